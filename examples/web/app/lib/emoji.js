/** A small emoji picker. */

import { h } from "./dom.js";
import { moveFocus, popover } from "./menu.js";

/** Those that are offered first. */
export const QUICK = [["👍", "thumbs up"], ["❤️", "heart"], ["😂", "tears of joy"], ["🎉", "party"], ["😮", "surprised"], ["🙏", "thank you"]];

const ALL = [
  ...QUICK,
  ["😀", "grinning"], ["😄", "laughing"], ["😊", "smiling"], ["🙂", "slight smile"], ["😉", "winking"], ["😍", "in love"],
  ["😘", "kiss"], ["😎", "cool"], ["🤔", "thinking"], ["😐", "neutral"], ["😴", "asleep"], ["😅", "relieved"],
  ["😢", "crying"], ["😭", "sobbing"], ["😡", "angry"], ["😱", "scared"], ["🤯", "mind blown"], ["🥳", "celebrating"],
  ["🤗", "hug"], ["🙄", "rolling eyes"], ["👎", "thumbs down"], ["👏", "clapping"], ["🙌", "raised hands"], ["👋", "waving"],
  ["🤝", "handshake"], ["💪", "strong"], ["👀", "eyes"], ["✅", "check mark"], ["❌", "cross"], ["❓", "question"],
  ["❗", "exclamation"], ["🔥", "fire"], ["✨", "sparkles"], ["⭐", "star"], ["💯", "hundred"], ["💡", "idea"],
  ["🎂", "cake"], ["🍕", "pizza"], ["☕", "coffee"], ["🍻", "cheers"], ["🌞", "sun"], ["🌧️", "rain"],
  ["🐱", "cat"], ["🐶", "dog"], ["🚀", "rocket"], ["🏡", "home"], ["📅", "calendar"], ["📎", "paper clip"], ["🎶", "music"], ["🌍", "world"],
];
const COLUMNS = 8;

/** Opens the picker beside a button; `choose` gets the emoji. */
export function pickEmoji(anchor, choose) {
  const buttons = ALL.map(([emoji, name]) =>
    h("button", {
      type: "button",
      class: "emoji-button",
      "aria-label": name,
      title: name,
      tabindex: "-1",
      onclick: () => {
        close(true);
        choose(emoji);
      },
    }, emoji),
  );
  const box = h("div", { class: "popover emoji-grid", role: "group", "aria-label": "Emoji" }, buttons);
  box.addEventListener("keydown", (event) => moveFocus(event, buttons, COLUMNS));
  const close = popover(anchor, box);
  buttons[0].focus();
}
