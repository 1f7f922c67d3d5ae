/** One message: a bubble, what it answers, how it was taken, and how far it is. */

import { attempt, explain } from "../lib/announce.js";
import { h, icon, iconButton, patch } from "../lib/dom.js";
import { avatar, nameOf, plain, preview } from "../lib/names.js";
import { clock, full } from "../lib/time.js";
import { body } from "./body.js";
import { ticks } from "./ticks.js";

/** The message that an article shows now: what is pressed in it is about this one, whichever it was when it was drawn. */
const shown = new WeakMap();

/** Draws a message into its item of the list. What has not changed stays the same element, and so does the article. */
export function renderMessage(item, { message, first, last }, context) {
  const { chat, conv } = context;
  const group = conv.info.value?.type === "group";
  const article = item.querySelector("article");
  const user = message.from && (chat.user(message.from).value ?? { id: message.from });
  const name = message.mine ? "You" : nameOf(user);
  const named = group && !message.mine && first;
  const settled = message.seq !== undefined && !message.deleted;
  const waiting = message.status === "failed" || message.status === "queued";
  shown.set(article, message);
  item.className = ["row", message.mine ? "own" : "other", first && "first", last && "last", group && !message.mine && "with-avatar"].filter(Boolean).join(" ");
  item.dataset.status = message.status;
  if (message.seq) item.dataset.seq = message.seq;
  article.className = "message";
  article.setAttribute("aria-label", `${name}, ${clock(message.at)}`);
  patch(article, [
    named && ["corner", [message.from, name], () => h("span", { class: "corner" }, avatar(message.from ?? "", name, { size: "size-xs" }))],
    ["bubble", [], () => h("div")],
    ["reactions", [JSON.stringify(message.reactions), message.deleted], () => reactions(message, article)],
    ["problem", [message.status, message.error], () => problem(message, article)],
    settled && ["tools", [], () => tools(article, context)],
    waiting && ["more", [], () => more(article, context, "alone")],
  ]);
  const bubble = article.querySelector(":scope > div:first-of-type");
  bubble.className = `bubble${message.deleted || message.unavailable ? " gone" : ""}`;
  const answer = message.deleted || !message.replyTo ? undefined : answered(message, context);
  patch(bubble, [
    named && ["sender", [name], () => h("p", { class: "sender", dir: "auto" }, name)],
    answer && ["quote", [message.replyTo, answer.name, answer.preview], () => quote(message.replyTo, answer, context)],
    ["content", [JSON.stringify([message.content, message.mentions]), message.deleted, message.unsent, message.unavailable], () => content(message, context)],
    ["foot", [message.at, message.editedAt, message.deleted, message.status, message.expiresAt], () => foot(message)],
  ]);
}

function content(message, context) {
  if (message.unsent) return h("p", { class: "quietly" }, message.mine ? "You took this message back." : "This message was taken back.");
  if (message.deleted) return h("p", { class: "quietly" }, "This message was deleted.");
  if (message.unavailable) return h("p", { class: "quietly" }, "This message can't be read any more.");
  return body(message, context);
}

function quote(seq, { name, preview: text }, { jump }) {
  return h(
    "button",
    { type: "button", class: "quote", tabindex: "-1", onclick: () => jump(seq) },
    h("span", { class: "hidden" }, "In reply to "),
    name && h("span", { class: "quote-name", dir: "auto" }, name),
    h("span", { class: "quote-text", dir: "auto" }, text || "Message not available"),
  );
}

/** What history tells of an answered message, live messages leave out; usually it is on the screen. */
function answered({ reply, replyTo }, { chat, conv }) {
  const found = reply ? undefined : conv.messages.value.find((message) => message.seq === replyTo);
  const told = reply ? { from: reply.from, preview: plain(reply.preview) } : found && !found.deleted ? { from: found.from, preview: preview(found) } : {};
  const { from } = told;
  const name = from && (from === chat.me.value.id ? "You" : nameOf(chat.user(from).value ?? { id: from }));
  return { name, preview: told.preview };
}

function foot(message) {
  return h(
    "p",
    { class: "foot" },
    (message.expiresAt || message.viewOnce) && !message.deleted && fleeting(message),
    message.editedAt && !message.deleted && h("span", { title: `Edited ${full(message.editedAt)}` }, "edited"),
    h("time", { datetime: message.at, title: full(message.at) }, clock(message.at)),
    message.mine && !message.deleted && ticks(message),
  );
}

function fleeting({ expiresAt, viewOnce }) {
  const words = viewOnce ? "Can be seen once" : `Gone at ${full(expiresAt)}`;
  return h("span", { class: "ticks", title: words }, icon("timer", "icon tiny"), h("span", { class: "hidden" }, words));
}

function reactions(message, article) {
  if (message.deleted || message.reactions.length === 0) return undefined;
  return h(
    "ul",
    { class: "reactions", "aria-label": "Reactions" },
    message.reactions.map(({ emoji, users, mine }) =>
      h(
        "li",
        {},
        h("button", {
          type: "button",
          class: mine ? "reaction mine" : "reaction",
          tabindex: "-1",
          "aria-pressed": String(mine),
          "aria-label": `${emoji}, ${users.length}${mine ? ", yours" : ""}`,
          onclick: () => attempt(() => shown.get(article).react(emoji, !mine)),
        }, emoji, users.length > 1 && h("span", {}, String(users.length))),
      ),
    ),
  );
}

function problem(message, article) {
  if (message.status !== "failed") return undefined;
  return h(
    "p",
    { class: "problem" },
    h("span", { class: "reason" }, icon("alert", "icon tiny"), h("span", {}, `Not sent. ${explain(message.error)}`)),
    h("button", { type: "button", class: "link", onclick: () => attempt(() => shown.get(article).retry()) }, "Try again"),
    h("button", { type: "button", class: "link", onclick: () => attempt(() => shown.get(article).discard()) }, "Discard"),
  );
}

/** What the mouse finds beside a message; the keyboard opens the menu with Enter. */
function tools(article, context) {
  return h(
    "div",
    { class: "tools" },
    iconButton("reply", "Reply", () => context.writer.reply(shown.get(article)), { tabindex: "-1", class: "icon-button small reply-button" }),
    more(article, context),
  );
}

function more(article, context, kind = "") {
  return iconButton("more", "What to do with this message", () => context.actions(article, shown.get(article)), {
    tabindex: "-1",
    class: `icon-button small more ${kind}`,
    "aria-haspopup": "menu",
  });
}
