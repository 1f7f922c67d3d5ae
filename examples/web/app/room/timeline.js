/** The messages: scrolled to what is new, loading what is old, telling the server what was read. */

import { toast } from "../lib/announce.js";
import { fill, h, icon } from "../lib/dom.js";
import { Keyed } from "../lib/keyed.js";
import { dayName, full } from "../lib/time.js";
import { renderMessage } from "./message.js";
import { openActions } from "./actions.js";
import { eventText, peopleOf } from "./events.js";
import { rows, sameRow } from "./rows.js";

const NEAR_END = 80;
const NEAR_START = 600;

export function timeline(chat, conv, scope, writer) {
  const top = h("li", { class: "divider top" });
  const list = h("ol", { class: "messages" });
  const scroller = h("div", { class: "scroller" }, h("ol", { class: "messages start" }, top), list);
  const fresh = h("span", { class: "badge" });
  const jumper = h("button", { type: "button", class: "jumper", "aria-label": "Jump to the newest message", hidden: true, onclick: toEnd }, icon("down"), fresh);
  const node = h("section", { class: "timeline", "aria-label": "Messages" }, scroller, jumper);
  const context = { chat, conv, writer, jump, actions: (article, message) => openActions(article, message, context) };
  const keyed = new Keyed(list, { key: (row) => row.key, create, update, same: sameRow });

  const stops = new Map();

  let unreadAfter;
  let firstKey;
  let atEnd = true;
  let seen = 0;
  let active;

  scope.watch(conv.timeline, show);
  scope.add(conv.info.subscribe(() => show(conv.timeline.value)));
  scope.add(() => stops.forEach((stop) => stop()));
  scroller.addEventListener("scroll", scrolled, { passive: true });
  list.addEventListener("keydown", keys);
  list.addEventListener("click", touched);
  list.addEventListener("contextmenu", (event) => event.target.closest("a, pre") || hasSelection() || openMenu(event));
  list.addEventListener("focusin", (event) => setActive(event.target.closest("article")));
  document.addEventListener("visibilitychange", read, { signal: scope.signal });
  const resized = new ResizeObserver(() => atEnd && toEnd());
  resized.observe(scroller);
  scope.add(() => resized.disconnect());

  return { node, jump };

  function show({ messages, hasOlder, loading, ready }) {
    const info = conv.info.value;
    if (ready && info && unreadAfter === undefined) unreadAfter = info.unread > 0 ? info.readSeq : Infinity;
    const own = messages.at(-1)?.mine && messages.at(-1).seq === undefined;
    const height = scroller.scrollHeight;
    const from = scroller.scrollTop;
    const before = firstKey;
    const begun = firstKey !== undefined;
    firstKey = messages[0]?.key;
    const named = info?.type === "group" ? namesKnown(messages) : "";
    keyed.show(rows(messages, unreadAfter).map((row) => ({ ...row, named })));
    fill(top, !ready || loading ? "Loading…" : hasOlder ? undefined : !messages.some((message) => !message.expired) ? "No messages yet. Say hello!" : "This is where it began.");
    if (!begun && messages.length > 0) start();
    else if (before !== firstKey && from + scroller.clientHeight < height - NEAR_END) scroller.scrollTop = from + scroller.scrollHeight - height;
    else if (atEnd || own) toEnd();
    if (!active?.isConnected) setActive(list.querySelector("li:last-child article") ?? [...list.querySelectorAll("article")].at(-1), false);
    scrolled();
  }

  /** Names come when they come; messages of groups are drawn again then. */
  function namesKnown(messages) {
    let known = 0;
    for (const id of new Set(messages.flatMap((message) => [message.from, ...peopleOf(message)]))) {
      if (!id) continue;
      const user = chat.user(id);
      if (user.value) known++;
      if (!stops.has(id)) stops.set(id, user.subscribe(() => show(conv.timeline.value)));
    }
    return known;
  }

  /** The first look: at what is new, or at the end. */
  function start() {
    const divider = keyed.node("unread");
    if (divider) scroller.scrollTop = divider.offsetTop - scroller.clientHeight / 3;
    else toEnd();
  }

  function create(row) {
    const item = h("li", { class: row.kind === "message" ? "" : `divider ${row.kind}` });
    if (row.kind === "day") fill(item, h("time", { datetime: row.at, title: full(row.at) }, dayName(row.at)));
    else if (row.kind === "unread") fill(item, "New messages");
    else if (row.kind === "event") update(item, row);
    else {
      item.append(h("article", { tabindex: "-1" }));
      update(item, row);
    }
    return item;
  }

  function update(item, row) {
    if (row.kind === "message") renderMessage(item, row, context);
    else if (row.kind === "event") fill(item, h("span", { dir: "auto", title: full(row.message.at) }, eventText(chat, row.message)));
  }

  function scrolled() {
    const { scrollTop, clientHeight, scrollHeight } = scroller;
    atEnd = scrollTop + clientHeight >= scrollHeight - NEAR_END;
    const { hasOlder, loading, ready, messages } = conv.timeline.value;
    if (ready && hasOlder && !loading && scrollTop < NEAR_START && chat.status.value.state === "online") conv.loadOlder().catch(() => {});
    const last = messages.at(-1)?.seq ?? 0;
    if (atEnd) seen = Math.max(seen, last);
    jumper.hidden = atEnd;
    const missed = messages.filter((message) => !message.mine && !message.event && !message.expired && message.seq > seen).length;
    fill(fresh, missed > 0 ? String(missed) : undefined);
    fresh.hidden = missed === 0;
    read();
  }

  function read() {
    const info = conv.info.value;
    if (!info || !atEnd || document.visibilityState !== "visible" || !conv.timeline.value.ready) return;
    if (info.unread > 0 || info.readSeq < info.lastSeq) conv.markRead().catch(() => {});
  }

  function toEnd() {
    scroller.scrollTop = scroller.scrollHeight;
  }

  async function jump(seq) {
    const message = await conv.jumpTo(seq).catch(() => undefined);
    const item = message && keyed.node(message.key);
    if (!item) return toast("The message is not there any more.");
    item.scrollIntoView({ block: "center" });
    const article = item.querySelector("article");
    article.focus({ preventScroll: true });
    article.classList.add("flash");
    article.addEventListener("animationend", () => article.classList.remove("flash"), { once: true });
  }

  /** One stop of the Tab key for all messages; the arrow keys go from one to the next. */
  function setActive(article, move = true) {
    if (!article || (article === active && article.tabIndex === 0)) return;
    if (active) active.tabIndex = -1;
    active = article;
    active.tabIndex = 0;
    if (move && document.activeElement !== article && !article.contains(document.activeElement)) article.focus();
  }

  /** A finger has nothing to hover with: it touches the message itself. */
  function touched(event) {
    const busy = event.target.closest("a, button, pre") || hasSelection();
    if (!busy && matchMedia("(pointer: coarse)").matches) openMenu(event);
  }

  function openMenu(event) {
    const more = event.target.closest(".bubble")?.parentElement.querySelector(".more");
    if (!more) return;
    event.preventDefault();
    more.click();
  }

  function keys(event) {
    const article = event.target.closest("article");
    if (!article || event.target !== article) return;
    const all = [...list.querySelectorAll("article")];
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step) (all[all.indexOf(article) + step] ?? article).focus();
    else if (event.key === "Home") all[0].focus();
    else if (event.key === "End") all.at(-1).focus();
    else if (event.key === "Enter" || event.key === " ") article.querySelector(".more")?.click();
    else if (event.key === "r") article.querySelector(".reply-button")?.click();
    else return;
    event.preventDefault();
  }
}

function hasSelection() {
  return !getSelection().isCollapsed;
}
