/** Begins a conversation: with someone, with a group, or with oneself. */

import { attempt, patient } from "../lib/announce.js";
import { dialog } from "../lib/dialog.js";
import { Scope, field, fill, h, icon } from "../lib/dom.js";
import { nameOf } from "../lib/names.js";
import { person, searching } from "./people.js";

/** Opens the dialog. */
export function newChat(chat) {
  const scope = new Scope();
  const box = h("div", { class: "stack" });
  const node = dialog("New conversation", box);
  node.addEventListener("close", () => scope.end());
  const done = (conv) => {
    // Whoever has closed the dialog meanwhile has thought better of it.
    if (scope.ended) return;
    node.close();
    location.hash = `#/c/${conv.id}`;
  };
  chooseOne();

  function chooseOne() {
    const input = h("input", { type: "search", dir: "auto", autocomplete: "off" });
    const list = h("ul", { class: "people" });
    const note = h("p", { class: "hint", role: "status" });
    fill(
      box,
      h(
        "div",
        { class: "choices" },
        h("button", { type: "button", class: "quiet", onclick: chooseMany }, icon("people"), "New group"),
        h("button", { type: "button", class: "quiet", onclick: patient(async () => done(await chat.notes())) }, icon("star"), "Notes to myself"),
      ),
      field("Find someone by name", input),
      note,
      list,
    );
    searching(chat, scope, input, (query, users, problem) => {
      fill(note, problem ?? (query && users.length === 0 ? "Nobody of this name." : undefined));
      fill(list, users.map((user) => h("li", {}, person(user, patient(async () => done(await chat.dm(user.id)))))));
    });
    input.focus();
  }

  function chooseMany() {
    const members = new Map();
    const name = h("input", { maxlength: "60", dir: "auto", required: true, autocomplete: "off" });
    const input = h("input", { type: "search", dir: "auto", autocomplete: "off" });
    const chosen = h("ul", { class: "chips", "aria-label": "Members" });
    const list = h("ul", { class: "people" });
    const note = h("p", { class: "hint", role: "status" });
    const showChosen = () =>
      fill(
        chosen,
        [...members.values()].map((user) =>
          h(
            "li",
            {},
            h("button", {
              type: "button",
              class: "chip",
              "aria-label": `Remove ${nameOf(user)}`,
              onclick: () => {
                members.delete(user.id);
                showChosen();
                input.focus();
              },
            }, h("span", { dir: "auto" }, nameOf(user)), icon("close", "icon tiny")),
          ),
        ),
      );
    let creating = false;
    const create = async (event) => {
      event.preventDefault();
      // Making a group takes a moment; an impatient second click must not make a second one.
      if (creating) return;
      creating = true;
      await attempt(async () => done(await chat.createGroup({ name: name.value.trim(), members: [...members.keys()] })));
      creating = false;
    };
    fill(
      box,
      h(
        "form",
        { class: "stack", onsubmit: create },
        field("Name of the group", name),
        chosen,
        field("Add people", input),
        note,
        list,
        h(
          "footer",
          { class: "buttons" },
          h("button", { type: "button", class: "quiet", onclick: chooseOne }, "Back"),
          h("button", { class: "primary" }, "Create group"),
        ),
      ),
    );
    searching(chat, scope, input, (query, users, problem) => {
      const others = users.filter((user) => !members.has(user.id));
      fill(note, problem ?? (query && others.length === 0 ? "Nobody else of this name." : undefined));
      fill(list, others.map((user) => h("li", {}, person(user, () => {
        members.set(user.id, user);
        input.value = "";
        fill(list);
        showChosen();
        input.focus();
      }))));
    });
    name.focus();
  }
}
