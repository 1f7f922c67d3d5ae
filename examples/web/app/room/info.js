/** About a conversation: its people, and what one can do with it. */

import { attempt } from "../lib/announce.js";
import { confirmed } from "../lib/dialog.js";
import { field, fill, h, iconButton } from "../lib/dom.js";
import { avatar, nameOf, titleOf } from "../lib/names.js";
import { presence, span } from "../lib/time.js";
import { contactCard } from "./contact-card.js";
import { groupSettings } from "./group-settings.js";
import { links } from "./links.js";
import { members } from "./members.js";

/** How long messages may live after they were read, in seconds. */
const LIVES = [0, 30, 300, 3_600, 86_400, 604_800];
/** How long the server may keep messages, in seconds. */
const KEPT = [0, 86_400, 604_800, 2_592_000, 31_536_000];

export function info(aside, chat, conv, scope) {
  const back = h("header", { class: "bar" }, h("h1", {}, "About"), iconButton("close", "Close", () => (location.hash = `#/c/${conv.id}`)));
  const who = h("div", { class: "who" });
  const name = h("input", { maxlength: "60", dir: "auto", required: true });
  const rename = h("form", { class: "inline-form", onsubmit: renamed }, field("Name of the group", name), h("button", { class: "quiet" }, "Rename"));
  const people = h("section", { class: "stack", "aria-label": "Members" });
  const linked = h("section", { class: "stack", "aria-label": "Links" });
  const managed = h("section", { class: "stack", "aria-label": "Settings of the group" });
  const contact = h("section", { class: "stack", "aria-label": "Contact" });
  const settings = h("section", { class: "stack", "aria-label": "Settings of this conversation" });
  const ending = h("section", { class: "stack", "aria-label": "Leaving" });
  fill(aside, back, h("div", { class: "scroll padded stack" }, who, contact, rename, people, linked, managed, settings, ending));
  aside.onkeydown = (event) => {
    if (event.key === "Escape") location.hash = `#/c/${conv.id}`;
  };

  let known;
  scope.watch(conv.info, (view) => {
    if (!view) return;
    if (known && same(known, view)) return;
    const first = !known;
    known = view;
    const title = titleOf(view);
    fill(
      who,
      avatar(view.type === "dm" ? view.user?.id ?? view.id : view.id, title, { size: "size-l" }),
      h("p", { class: "who-name", dir: "auto" }, title),
      view.type === "dm" && h("p", { class: "hint" }, presence(view.user)),
      view.user?.status && h("p", { dir: "auto" }, view.user.status),
    );
    rename.hidden = view.type !== "group" || view.role === "member";
    if (document.activeElement !== name) name.value = view.title;
    for (const part of [people, linked, managed]) part.hidden = view.type !== "group" || (part !== people && view.role === "member");
    contact.hidden = view.type !== "dm";
    if (first && view.type === "group") {
      members(people, chat, conv, scope);
      groupSettings(managed, conv, scope);
    }
    if (first && view.type === "dm") contactCard(contact, chat, view.user, scope);
    if (!linked.hidden && linked.childElementCount === 0) links(linked, chat, conv, scope);
    showSettings(view);
    showEnding(view);
  });
  back.querySelector("button").focus();

  function renamed(event) {
    event.preventDefault();
    attempt(() => conv.update({ public: { ...known.public, fn: name.value.trim() } }));
  }

  function showSettings(view) {
    const focused = settings.contains(document.activeElement) ? document.activeElement.closest("[data-setting]")?.dataset.setting : undefined;
    const toggle = (key, label) => {
      const box = h("input", { type: "checkbox", "data-setting": key, onchange: () => attempt(() => conv.set({ [key]: box.checked })) });
      box.checked = view[key];
      return h("label", { class: "check" }, box, label);
    };
    const ttl = view.disappearingTTL ?? 0;
    const life = h(
      "select",
      { "data-setting": "life", onchange: () => attempt(() => conv.setDisappearing(Number(life.value) || null)) },
      [...new Set([...LIVES, ttl])].map((seconds) => h("option", { value: String(seconds) }, seconds === 0 ? "For ever" : span(seconds))),
    );
    life.value = String(ttl);
    life.disabled = view.type === "group" && view.role === "member";
    const kept = h(
      "select",
      { "data-setting": "kept", onchange: () => attempt(() => conv.setRetention(Number(kept.value) || null)) },
      [...new Set([...KEPT, view.retention ?? 0])].map((seconds) => h("option", { value: String(seconds) }, seconds === 0 ? "For ever" : span(seconds))),
    );
    kept.value = String(view.retention ?? 0);
    kept.disabled = life.disabled;
    fill(
      settings,
      h("h2", {}, "Settings"),
      toggle("favorite", "Favourite"),
      toggle("muted", "Muted"),
      toggle("archived", "Archived"),
      view.type !== "self" && field("Messages live, once read", life),
      field("The server keeps messages", kept, "Then they are gone for everybody, read or not."),
    );
    if (focused) settings.querySelector(`[data-setting=${focused}]`)?.focus();
  }

  function showEnding(view) {
    fill(
      ending,
      view.type === "dm" &&
        h("button", { type: "button", class: "danger-quiet", onclick: () => attempt(() => conv.set({ blocked: !view.blocked })) }, view.blocked ? "Unblock" : `Block ${nameOf(view.user)}`),
      h("button", {
        type: "button",
        class: "danger-quiet",
        onclick: () => sure("Clear the history?", "All messages up to now disappear for you. Others keep theirs.", "Clear", () => conv.clear()),
      }, "Clear history"),
      view.type === "group" &&
        view.role !== "owner" &&
        h("button", {
          type: "button",
          class: "danger-quiet",
          onclick: () => sure("Leave the group?", "You will get no more messages of it.", "Leave", async () => {
            await conv.leave();
            location.hash = "#/";
          }),
        }, "Leave group"),
      view.type === "group" && view.role === "owner" && h("p", { class: "hint" }, "To leave, make someone else the owner first."),
      view.type === "group" &&
        view.role === "owner" &&
        h("button", {
          type: "button",
          class: "danger-quiet",
          onclick: () => sure("Delete the group?", "It ends for everybody, and everything that was said in it is erased.", "Delete", async () => {
            await conv.deleteGroup();
            location.hash = "#/";
          }),
        }, "Delete group"),
    );
  }
}

async function sure(question, explanation, yes, action) {
  if (await confirmed(question, explanation, yes)) attempt(action);
}

/** Tells whether nothing has changed of what is shown here. */
function same(a, b) {
  return ["title", "public", "role", "favorite", "muted", "archived", "blocked", "disappearingTTL", "retention"].every((key) => a[key] === b[key]) && a.user === b.user;
}
