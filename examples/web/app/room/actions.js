/** What can be done with a message. */

import { attempt, copy } from "../lib/announce.js";
import { confirmed } from "../lib/dialog.js";
import { h, icon } from "../lib/dom.js";
import { QUICK, pickEmoji } from "../lib/emoji.js";
import { menu } from "../lib/menu.js";
import { left } from "../lib/time.js";
import { report } from "./report.js";

const RANK = { member: 0, admin: 1, owner: 2 };

/** Opens the menu of a message at its article. */
export function openActions(article, message, context) {
  const { conv, writer } = context;
  const now = Date.now();
  const info = conv.info.value;
  const role = info?.role ?? "member";
  const group = info?.type === "group";
  const sent = message.seq !== undefined;
  const sender = conv.members.value.find(({ id }) => id === message.from)?.role ?? "member";
  const mayDelete = sent && (message.mine || (group && RANK[role] > RANK[sender]));
  const mayPin = sent && (!group || RANK[role] > 0);
  const pinned = info?.pinnedSeq === message.seq;
  const failed = message.status === "failed";
  const close = menu(
    article,
    "Message",
    [
      failed && { label: "Try again", onclick: () => attempt(() => message.retry()) },
      !sent && { label: "Discard", danger: true, onclick: () => attempt(() => message.discard()) },
      sent && { label: "Reply", onclick: () => writer.reply(message) },
      message.text !== "" && { label: "Copy text", onclick: () => copy(message.text) },
      message.editableUntil > now && { label: "Edit", note: left(message.editableUntil), onclick: () => writer.edit(message) },
      mayPin && (pinned
        ? { label: "Unpin", onclick: () => attempt(() => conv.unpin()) }
        : { label: "Pin", onclick: () => attempt(() => message.pin()) }),
      message.unsendableUntil > now && { label: "Take back", note: left(message.unsendableUntil), danger: true, onclick: () => attempt(() => message.unsend()) },
      sent && { label: "Delete for me", danger: true, onclick: () => attempt(() => message.delete()) },
      mayDelete && { label: "Delete for everyone", danger: true, onclick: () => deleteForAll(message) },
      sent && !message.mine && { label: "Report", danger: true, onclick: () => report(message) },
    ],
    sent && quick(message, article, () => close(true)),
    () => stop(),
  );
  // Much more can be done as soon as the server has the message.
  const stop = conv.messages.subscribe((all) => {
    const now = sent ? undefined : all.find(({ key, seq }) => key === message.key && seq !== undefined);
    if (now) openActions(article, now, context);
  });
}

/** Six reactions at hand, and all others behind the plus. */
function quick(message, article, close) {
  const mine = new Set(message.reactions.filter((reaction) => reaction.mine).map(({ emoji }) => emoji));
  const react = (emoji, on) => {
    close();
    attempt(() => message.react(emoji, on));
  };
  return h(
    "div",
    { class: "quick", role: "group", "aria-label": "React" },
    QUICK.map(([emoji, name]) =>
      h("button", {
        type: "button",
        class: "emoji-button",
        "aria-label": name,
        title: name,
        "aria-pressed": String(mine.has(emoji)),
        onclick: () => react(emoji, !mine.has(emoji)),
      }, emoji),
    ),
    h("button", {
      type: "button",
      class: "emoji-button",
      "aria-label": "Other emoji",
      title: "Other emoji",
      onclick: () => {
        close();
        pickEmoji(article, (emoji) => attempt(() => message.react(emoji, true)));
      },
    }, icon("plus")),
  );
}

async function deleteForAll(message) {
  const sure = await confirmed("Delete for everyone?", "Nobody will be able to read the message any more.", "Delete");
  if (sure) attempt(() => message.delete({ forEveryone: true }));
}
