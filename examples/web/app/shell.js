/** The frame around everything: the list beside what is open; on phones, one of the two. */

import { banner } from "./banner.js";
import { announce } from "./lib/announce.js";
import { Scope, fill, h } from "./lib/dom.js";
import { nameOf, preview, titleOf } from "./lib/names.js";
import { sidebar } from "./list/sidebar.js";
import { contacts } from "./people/contacts.js";
import { arrive } from "./people/arrive.js";
import { mentions } from "./people/mentions.js";
import { eventText } from "./room/events.js";
import { info } from "./room/info.js";
import { room } from "./room/room.js";
import { settings } from "./settings/settings.js";

/** Pages other than conversations: each gets the place to be in, the client, its scope, and the rest of the address. */
const PAGES = { settings, contacts, mentions, join: arrive("join"), invite: arrive("invite") };

/** Shows the chat. Returns a function that ends it. */
export function shell(app, chat) {
  const scope = new Scope();
  const main = h("section", { class: "main", id: "main", tabindex: "-1", "aria-label": "Conversation" });
  const aside = h("section", { class: "aside", "aria-label": "About this conversation" });
  const list = sidebar(chat, scope);
  const frame = h("main", { class: "frame" }, list.node, main, aside);
  fill(
    app,
    h("a", { class: "skip", href: "#main", onclick: (event) => (event.preventDefault(), main.focus()) }, "Skip to the conversation"),
    banner(chat, scope),
    frame,
  );

  let page;
  let side;
  let shown;
  let open;
  const go = () => {
    const [kind, id, part] = location.hash.replace(/^#\/?/, "").split("/");
    const other = Object.hasOwn(PAGES, kind) ? PAGES[kind] : undefined;
    frame.dataset.page = kind === "c" && id ? "room" : other ? "page" : "list";
    frame.dataset.aside = String(part === "info");
    if (shown !== `${kind}/${id}`) {
      shown = `${kind}/${id}`;
      page?.end();
      page = new Scope();
      open = undefined;
      list.select(kind === "c" ? id : kind);
      main.setAttribute("aria-label", other ? "Page" : "Conversation");
      if (kind === "c" && id) open = room(main, chat, chat.conversation(id), page);
      else if (other) other(main, chat, page, id);
      else fill(main, h("p", { class: "nothing" }, "Choose a conversation, or begin a new one."));
    }
    if (open && /^\d+$/.test(part)) open.jump(Number(part));
    side?.end();
    side = undefined;
    if (part === "info") info(aside, chat, chat.conversation(id), (side = new Scope()));
    else fill(aside);
  };
  window.addEventListener("hashchange", go, { signal: scope.signal });
  scope.add(() => (page?.end(), side?.end()));
  go();

  scope.watch(chat.unread, (unread) => {
    document.title = unread > 0 ? `(${unread > 999 ? "999+" : unread}) mvchat` : "mvchat";
  });
  // Names of one's own for people are everywhere, so the contacts are followed from the beginning.
  scope.watch(chat.contacts, () => {});
  scope.add(chat.on("message", (message) => {
    if (message.event) return announce(eventText(chat, message));
    const from = nameOf(message.from ? chat.user(message.from).value ?? { id: message.from } : undefined);
    const open = location.hash.startsWith(`#/c/${message.conv}`);
    const where = chat.conversation(message.conv).info.value;
    const place = open || !where || where.type === "dm" ? "" : ` in ${titleOf(where)}`;
    announce(`${from}${place}: ${preview(message)}`);
  }));
  scope.add(chat.on("conversation", ({ conv, change }) => {
    if (change === "gone" && location.hash.startsWith(`#/c/${conv}`)) location.hash = "#/";
  }));
  return () => scope.end();
}
