/** One conversation in the list. */

import { fill, h, icon } from "../lib/dom.js";
import { avatar, nameOf, preview, titleOf } from "../lib/names.js";
import { full, short } from "../lib/time.js";
import { eventText } from "../room/events.js";
import { ticks } from "../room/ticks.js";

export function entry(chat, info, current) {
  const node = h("li", {}, h("a", { href: `#/c/${info.id}` }));
  updateEntry(node, chat, info, current);
  return node;
}

export function updateEntry(node, chat, info, current) {
  const link = node.firstElementChild;
  const title = titleOf(info);
  const last = info.lastMessage;
  if (current) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
  const online = info.type === "dm" && info.user?.online === true;
  fill(
    link,
    avatar(info.type === "dm" ? info.user?.id ?? info.id : info.id, title, { online }),
    h(
      "span",
      { class: "entry-text" },
      h(
        "span",
        { class: "entry-top" },
        h("span", { class: "entry-title", dir: "auto" }, title),
        online && h("span", { class: "hidden" }, ", online"),
        info.favorite && h("span", { class: "flag" }, icon("star", "icon tiny"), h("span", { class: "hidden" }, "Favourite")),
        info.muted && h("span", { class: "flag" }, icon("mute", "icon tiny"), h("span", { class: "hidden" }, "Muted")),
        info.lastAt && h("time", { datetime: info.lastAt, title: full(info.lastAt) }, short(info.lastAt)),
      ),
      h(
        "span",
        { class: "entry-bottom" },
        last?.mine && !last.deleted && ticks(last),
        h("span", { class: "entry-preview", dir: "auto" }, words(node, chat, info, last)),
        info.unread > 0 &&
          h(
            "span",
            { class: info.muted ? "badge muted" : "badge" },
            info.unread > 999 ? "999+" : String(info.unread),
            h("span", { class: "hidden" }, " unread"),
          ),
      ),
    ),
  );
}

function words(node, chat, info, last) {
  if (!last) return "No messages yet";
  return last.event ? eventText(chat, last) : `${said(node, chat, info, last)}${preview(last)}`;
}

/** Says who said it, in groups; a name that is not known yet is filled in when it comes. */
function said(node, chat, info, message) {
  if (info.type !== "group" || !message.from) return "";
  if (message.mine) return "You: ";
  const user = chat.user(message.from);
  if (user.value) return `${nameOf(user.value).split(" ")[0]}: `;
  const stop = user.subscribe(() => {
    stop();
    const now = chat.conversation(info.id).info.value;
    if (node.isConnected && now) updateEntry(node, chat, now, node.firstElementChild.hasAttribute("aria-current"));
  });
  return "";
}
