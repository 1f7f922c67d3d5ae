/** What people and conversations are called, and the circle that stands for them. */

import { h } from "./dom.js";
import { markdown } from "./markdown.js";

/** Returns what the user calls someone, or the name that their profile gives, or a stand-in that tells strangers apart. */
export function nameOf(user) {
  if (user?.nickname) return user.nickname;
  const name = user?.public?.fn;
  if (typeof name === "string" && name.trim() !== "") return name;
  return user?.id ? `Someone ${user.id.slice(-4)}` : "Someone";
}

/** Returns what a conversation is called in the list and above its messages. */
export function titleOf(info) {
  if (info.type === "self") return "Notes to myself";
  if (info.title.trim() !== "") return info.title;
  return info.type === "dm" ? nameOf(info.user) : "Group without a name";
}

/** Draws initials on a colour that is always the same for the same id. */
export function avatar(id, name, { online = false, size = "" } = {}) {
  const words = name.replace(/[^\p{L}\p{N}\s]/gu, "").split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : words;
  const initials = letters.map((word) => [...word][0]).join("").toUpperCase() || "#";
  const hue = [...id].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 8, 7);
  return h(
    "span",
    { class: `avatar hue-${hue} ${size}`, "aria-hidden": "true" },
    initials,
    online && h("span", { class: "online-dot" }),
  );
}

/** Returns the beginning of a text on one line, without the marks of Markdown. */
export function plain(text) {
  const blocks = markdown(text.slice(0, 300)).querySelectorAll("p, li, pre");
  return [...blocks].map((block) => block.textContent.replace(/\s+/g, " ")).join(" ").slice(0, 140);
}

/** Shortens a message to what fits on a line. */
export function preview(message) {
  if (message.expired) return "Message disappeared";
  if (message.unsent) return "Message taken back";
  if (message.deleted) return "Message deleted";
  if (message.unavailable) return "Message that can't be read any more";
  if (message.text) return plain(message.text);
  const media = message.content?.media?.[0]?.type;
  return media ? `[${media}]` : "";
}
