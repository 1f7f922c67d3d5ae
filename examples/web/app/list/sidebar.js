/** The list of conversations, with a search above it. */

import { h, fill, icon, iconButton } from "../lib/dom.js";
import { Keyed } from "../lib/keyed.js";
import { moveFocus } from "../lib/menu.js";
import { avatar, nameOf, titleOf } from "../lib/names.js";
import { entry, updateEntry } from "./entry.js";
import { entryMenu } from "./entry-menu.js";
import { newChat } from "./new-chat.js";
import { foundPeople } from "./people.js";

/** Makes the list. `select` marks the open conversation or page. */
export function sidebar(chat, scope) {
  let chosen;
  let archived = false;
  const query = h("input", { type: "search", placeholder: "Search", "aria-label": "Search conversations and people", dir: "auto" });
  const items = h("ul", { class: "conversations" });
  const empty = h("p", { class: "nothing" });
  const people = h("section", { class: "found", "aria-label": "People" });
  const toggle = h("button", { type: "button", class: "quiet archive-toggle", onclick: () => ((archived = !archived), show()) });
  const me = h("a", { class: "me", href: "#/settings" });
  const places = [["mentions", "Mentions", "at"], ["contacts", "Contacts", "people"]].map(([name, label, sign]) => ({
    name,
    node: h("a", { class: "icon-button", href: `#/${name}`, "aria-label": label, title: label }, icon(sign)),
  }));
  const keyed = new Keyed(items, {
    key: ({ info }) => info.id,
    create: ({ info, current }) => entry(chat, info, current),
    update: (node, { info, current }) => updateEntry(node, chat, info, current),
    same: (a, b) => a.info === b.info && a.current === b.current,
  });

  const show = () => {
    const all = chat.conversations.value;
    const words = query.value.trim().toLowerCase();
    const hidden = all.filter((info) => info.archived).length;
    const matching = all.filter((info) =>
      words ? titleOf(info).toLowerCase().includes(words) : info.archived === archived || info.id === chosen,
    );
    keyed.show(matching.map((info) => ({ info, current: info.id === chosen })));
    fill(empty, matching.length > 0 ? undefined : words ? "No conversation of this name." : "No conversations yet. Begin one with the plus above.");
    empty.hidden = matching.length > 0;
    fill(toggle, archived ? "Back to all conversations" : `Archived (${hidden})`);
    toggle.hidden = words !== "" || (hidden === 0 && !archived);
  };
  scope.watch(chat.conversations, show);
  scope.watch(chat.me, (user) => fill(me, avatar(user.id, nameOf(user), { size: "size-s" }), h("span", { dir: "auto" }, nameOf(user)), icon("gear"), h("span", { class: "hidden" }, "Settings")));
  query.addEventListener("input", show);
  foundPeople(chat, scope, query, people, (conv) => {
    query.value = "";
    show();
    location.hash = `#/c/${conv.id}`;
  });
  items.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") moveFocus(event, [...items.querySelectorAll("a")], 1);
  });

  items.addEventListener("contextmenu", (event) => {
    const link = event.target.closest("a");
    if (!link) return;
    event.preventDefault();
    entryMenu(link, chat.conversation(link.hash.slice("#/c/".length)));
  });

  const node = h(
    "nav",
    { class: "sidebar", "aria-label": "Conversations" },
    h("header", { class: "bar" }, h("h1", {}, "Chats"), iconButton("plus", "New conversation", () => newChat(chat))),
    h("div", { class: "search" }, icon("search"), query),
    h("div", { class: "scroll" }, items, empty, people, toggle),
    h("footer", { class: "bar me-bar" }, me, places.map(({ node }) => node)),
  );
  return {
    node,
    select(id) {
      chosen = id;
      for (const { name, node: link } of [...places, { name: "settings", node: me }]) {
        if (name === id) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
      }
      show();
    },
  };
}
