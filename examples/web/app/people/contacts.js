/** The user's contacts: who they are, what the user calls them, and the invitations to others. */

import { attempt, patient, toast } from "../lib/announce.js";
import { confirmed, dialog } from "../lib/dialog.js";
import { card, field, fill, h, iconButton, pageBar, patch } from "../lib/dom.js";
import { Keyed } from "../lib/keyed.js";
import { menu } from "../lib/menu.js";
import { avatar, nameOf } from "../lib/names.js";
import { presence } from "../lib/time.js";
import { person, searching } from "../list/people.js";
import { invites } from "./invites.js";

export function contacts(main, chat, scope) {
  const bar = pageBar("Contacts");
  fill(main, bar.node, h("div", { class: "scroll" }, h("div", { class: "settings" }, known(chat, scope), invites(chat, scope))));
  bar.focus();
  // Nobody tells what others have changed, so whoever looks asks.
  chat.refresh().catch(() => {});
}

function known(chat, scope) {
  const list = h("ul", { class: "people" });
  const hint = h("p", { class: "hint" });
  const keyed = new Keyed(list, {
    key: ({ id }) => id,
    create: (contact) => draw(h("li", { class: "member" }), contact),
    update: draw,
    same: (a, b) => JSON.stringify(a) === JSON.stringify(b),
  });
  scope.watch(chat.contacts, (all) => {
    fill(hint, all === undefined ? "Loading…" : all.length === 0 ? "You have no contacts yet." : undefined);
    hint.hidden = (all?.length ?? 0) > 0;
    keyed.show([...(all ?? [])].sort((a, b) => nameOf(a).localeCompare(nameOf(b))));
  });
  return card("Your contacts", search(chat, scope), hint, list);

  function draw(node, contact) {
    const name = nameOf(contact);
    const real = contact.nickname && nameOf({ ...contact, nickname: undefined });
    const state = [real, contact.status || presence(contact)].filter(Boolean).join(" · ");
    return patch(node, [
      ["open", [name, state, contact.online], () => h(
        "button",
        { type: "button", class: "person", onclick: patient(async () => (location.hash = `#/c/${(await chat.dm(contact.id)).id}`)) },
        avatar(contact.id, name, { online: contact.online, size: "size-s" }),
        h("span", { class: "person-text" }, h("span", { class: "person-name", dir: "auto" }, name), state && h("span", { class: "hint", dir: "auto" }, state)),
      )],
      ["more", [name, contact.nickname], () => {
        const button = iconButton("more", `What to do with ${name}`, () => contactMenu(button, chat, contact), { "aria-haspopup": "menu", class: "icon-button small" });
        return button;
      }],
    ]);
  }
}

/** Adds people who are found by their name. */
function search(chat, scope) {
  const input = h("input", { type: "search", dir: "auto", autocomplete: "off" });
  const found = h("ul", { class: "people" });
  const note = h("p", { class: "hint", role: "status", hidden: true });
  searching(chat, scope, input, (query, users, problem) => {
    const mine = new Set(chat.contacts.value?.map(({ id }) => id));
    const others = users.filter(({ id }) => !mine.has(id));
    const words = problem ?? (query && others.length === 0 ? "Nobody else of this name." : undefined);
    fill(note, words);
    note.hidden = !words;
    fill(found, others.map((user) => h("li", {}, person(user, patient(async () => {
      await chat.addContact(user.id);
      toast(`${nameOf(user)} is a contact now.`);
      input.value = "";
      fill(found);
      input.focus();
    }), { "aria-label": `Add ${nameOf(user)}` }))));
  });
  return h("div", { class: "stack" }, field("Add someone", input, "You are in each other's list then."), note, found);
}

export function contactMenu(anchor, chat, contact) {
  const name = nameOf(contact);
  menu(anchor, name, [
    { label: contact.nickname ? "Change the nickname" : "Give a nickname", onclick: () => nickname(chat, contact) },
    {
      label: "Remove from contacts",
      danger: true,
      onclick: async () => {
        if (await confirmed(`Remove ${name}?`, "You disappear from each other's contacts. Your conversation stays.", "Remove")) attempt(() => chat.removeContact(contact.id));
      },
    },
  ]);
}

function nickname(chat, contact) {
  const input = h("input", { maxlength: "64", dir: "auto", autocomplete: "off", value: contact.nickname ?? "" });
  const save = async (event) => {
    event.preventDefault();
    if (await attempt(() => chat.nameContact(contact.id, input.value.trim() || null))) node.close();
  };
  const node = dialog(
    "Nickname",
    h(
      "form",
      { class: "stack", onsubmit: save },
      field(`What you call ${nameOf({ ...contact, nickname: undefined })}`, input, "Only you see it. Leave it empty for their own name."),
      h("footer", { class: "buttons" }, h("button", { class: "primary" }, "Save")),
    ),
  );
  input.focus();
}
