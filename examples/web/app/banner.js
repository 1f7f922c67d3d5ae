/** Says when the connection is gone, and when it is tried again. */

import { fill, h } from "./lib/dom.js";

/** Short interruptions are nobody's business. */
const PATIENCE = 1_200;

export function banner(chat, scope) {
  // The countdown is not read out every second; that the connection is gone is.
  const words = h("p", { role: "status" });
  const count = h("span", { class: "count", "aria-hidden": "true" });
  const again = h("button", { type: "button", class: "quiet small", onclick: () => chat.retryNow() }, "Try now");
  const node = h("div", { class: "banner", hidden: true }, words, count, again);
  let waiting;
  let gone = false;
  scope.watch(chat.status, (status) => {
    if (status.state === "online") {
      clearTimeout(waiting);
      waiting = undefined;
      gone = false;
      node.hidden = true;
      fill(words);
      return;
    }
    const text = status.state === "offline" ? "You are offline. What you write is sent later." : "Connecting…";
    const seconds = status.retryIn === undefined ? "" : `Next try in ${status.retryIn} s`;
    const show = () => {
      gone = true;
      node.hidden = false;
      if (words.textContent !== text) fill(words, text);
      fill(count, seconds);
      again.hidden = status.state !== "offline";
    };
    clearTimeout(waiting);
    if (gone || status.state === "offline") show();
    else waiting = setTimeout(show, PATIENCE);
  });
  scope.add(() => clearTimeout(waiting));
  return node;
}
