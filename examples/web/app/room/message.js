/** One message: a bubble, what it answers, how it was taken, and how far it is. */

import { attempt, explain } from "../lib/announce.js";
import { fill, h, icon, iconButton } from "../lib/dom.js";
import { avatar, nameOf, plain, preview } from "../lib/names.js";
import { clock, full } from "../lib/time.js";
import { body } from "./body.js";
import { ticks } from "./ticks.js";

/** Draws a message into its item of the list; the article stays, so that the focus does. */
export function renderMessage(item, { message, first, last }, context) {
  const { chat, conv } = context;
  const group = conv.info.value?.type === "group";
  const article = item.querySelector("article");
  const user = message.from && (chat.user(message.from).value ?? { id: message.from });
  const name = message.mine ? "You" : nameOf(user);
  item.className = ["row", message.mine ? "own" : "other", first && "first", last && "last", group && !message.mine && "with-avatar"].filter(Boolean).join(" ");
  item.dataset.status = message.status;
  if (message.seq) item.dataset.seq = message.seq;
  article.className = "message";
  article.setAttribute("aria-label", `${name}, ${clock(message.at)}`);
  fill(
    article,
    group && !message.mine && first && h("span", { class: "corner" }, avatar(message.from ?? "", name, { size: "size-xs" })),
    h(
      "div",
      { class: `bubble${message.deleted || message.unavailable ? " gone" : ""}` },
      group && !message.mine && first && h("p", { class: "sender", dir: "auto" }, name),
      quote(message, context),
      content(message, context),
      foot(message),
    ),
    reactions(message),
    problem(message),
    message.seq && !message.deleted && tools(message, context),
    message.status === "failed" || message.status === "queued" ? more(message, context) : undefined,
  );
}

function content(message, context) {
  if (message.unsent) return h("p", { class: "quietly" }, message.mine ? "You took this message back." : "This message was taken back.");
  if (message.deleted) return h("p", { class: "quietly" }, "This message was deleted.");
  if (message.unavailable) return h("p", { class: "quietly" }, "This message can't be read any more.");
  return body(message, context);
}

function quote(message, { chat, conv, jump }) {
  if (message.deleted || !message.replyTo) return undefined;
  const told = message.reply && { ...message.reply, preview: plain(message.reply.preview) };
  const reply = told ?? answered(conv, message.replyTo);
  const name = reply?.from ? (reply.from === chat.me.value.id ? "You" : nameOf(chat.user(reply.from).value ?? { id: reply.from })) : undefined;
  return h(
    "button",
    { type: "button", class: "quote", tabindex: "-1", onclick: () => jump(message.replyTo) },
    h("span", { class: "hidden" }, "In reply to "),
    name && h("span", { class: "quote-name", dir: "auto" }, name),
    h("span", { class: "quote-text", dir: "auto" }, reply?.preview || "Message not available"),
  );
}

/** What history tells of an answered message, live messages leave out; usually it is on the screen. */
function answered(conv, seq) {
  const found = conv.messages.value.find((message) => message.seq === seq);
  return found && !found.deleted ? { from: found.from, preview: preview(found) } : undefined;
}

function foot(message) {
  return h(
    "p",
    { class: "foot" },
    message.editedAt && !message.deleted && h("span", { title: `Edited ${full(message.editedAt)}` }, "edited"),
    h("time", { datetime: message.at, title: full(message.at) }, clock(message.at)),
    message.mine && !message.deleted && ticks(message),
  );
}

function reactions(message) {
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
          onclick: () => attempt(() => message.react(emoji, !mine)),
        }, emoji, users.length > 1 && h("span", {}, String(users.length))),
      ),
    ),
  );
}

function problem(message) {
  if (message.status !== "failed") return undefined;
  return h(
    "p",
    { class: "problem" },
    h("span", { class: "reason" }, icon("alert", "icon tiny"), h("span", {}, `Not sent. ${explain(message.error)}`)),
    h("button", { type: "button", class: "link", onclick: () => attempt(() => message.retry()) }, "Try again"),
    h("button", { type: "button", class: "link", onclick: () => attempt(() => message.discard()) }, "Discard"),
  );
}

/** What the mouse finds beside a message; the keyboard opens the menu with Enter. */
function tools(message, context) {
  return h(
    "div",
    { class: "tools" },
    iconButton("reply", "Reply", () => context.writer.reply(message), { tabindex: "-1", class: "icon-button small reply-button" }),
    more(message, context),
  );
}

function more(message, context) {
  const bare = message.seq === undefined;
  const button = iconButton("more", "What to do with this message", () => context.actions(button, message), {
    tabindex: "-1",
    class: `icon-button small more${bare ? " alone" : ""}`,
    "aria-haspopup": "menu",
  });
  return button;
}
