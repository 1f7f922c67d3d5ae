/** What a message says: its text with the people it names, and what is no text. */

import { firstGraphemes } from "../../mvchat-client/url.js";
import { h } from "../lib/dom.js";
import { markdown } from "../lib/markdown.js";
import { nameOf } from "../lib/names.js";

const EMOJI_ONLY = /^(?:\p{Extended_Pictographic}|\p{Emoji_Component}|\s){1,12}$/u;
const PICTURE = /\p{Extended_Pictographic}/u;

export function body(message, { chat }) {
  const { text } = message;
  const big = EMOJI_ONLY.test(text) && PICTURE.test(text);
  return h(
    "div",
    { class: big ? "body big" : "body" },
    text && markdown(text, places(message, chat)),
    (message.content?.media ?? []).map(media),
  );
}

/** Turns places counted in characters into places in the string. */
function places({ text, mentions }, chat) {
  const found = mentions.map(({ userId, offset, length }) => {
    const start = firstGraphemes(text, offset).length;
    const end = firstGraphemes(text, offset + length).length;
    const mine = userId === chat.me.value.id;
    const node = () => h("span", { class: mine ? "mention mine" : "mention", dir: "auto" }, text.slice(start, end));
    return { start, end, node };
  });
  return found.filter(({ start, end }) => end > start).sort((a, b) => a.start - b.start);
}

function media(part) {
  if (part.type === "embed" && /^https?:\/\//i.test(part.url ?? "")) {
    return h("p", {}, h("a", { href: part.url, target: "_blank", rel: "noopener noreferrer", dir: "auto" }, part.title || part.url));
  }
  if (part.type === "location") return h("p", {}, `Place: ${part.label ?? ""} ${part.lat}, ${part.lon}`);
  return h("p", { class: "quietly", dir: "auto" }, `${part.type}: ${part.name ?? "a file that this chat can't show"}`);
}

/** Names the sender of a message. */
export function senderName(chat, message) {
  return message.mine ? "yourself" : nameOf(chat.user(message.from).value ?? { id: message.from });
}
