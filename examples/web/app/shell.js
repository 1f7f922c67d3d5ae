/** The frame around everything: the list beside what is open; on phones, one of the two. */

import { banner } from "./banner.js";
import { announce } from "./lib/announce.js";
import { Scope, fill, h } from "./lib/dom.js";
import { nameOf, preview, titleOf } from "./lib/names.js";
import { sidebar } from "./list/sidebar.js";
import { info } from "./room/info.js";
import { room } from "./room/room.js";
import { settings } from "./settings/settings.js";

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
  const go = () => {
    const [kind, id, part] = location.hash.replace(/^#\/?/, "").split("/");
    frame.dataset.page = kind === "c" && id ? "room" : kind === "settings" ? "settings" : "list";
    frame.dataset.aside = String(part === "info");
    if (shown !== `${kind}/${id}`) {
      shown = `${kind}/${id}`;
      page?.end();
      page = new Scope();
      list.select(kind === "c" ? id : undefined);
      if (kind === "c" && id) room(main, chat, chat.conversation(id), page);
      else if (kind === "settings") settings(main, chat, page);
      else fill(main, h("p", { class: "nothing" }, "Choose a conversation, or begin a new one."));
    }
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
  scope.add(chat.on("message", (message) => {
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
