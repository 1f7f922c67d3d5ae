/** How far one's own message is, as a sign with words for those who don't see it. */

import { h, icon } from "../lib/dom.js";

const SIGNS = {
  queued: ["clock", "Waiting to be sent"],
  sending: ["clock", "Being sent"],
  sent: ["check", "Sent"],
  delivered: ["checks", "Delivered"],
  read: ["checks", "Read"],
  failed: ["alert", "Not sent"],
};

export function ticks(message) {
  const [name, words] = SIGNS[message.status];
  return h("span", { class: `ticks ${message.status}`, title: words }, icon(name, "icon tiny"), h("span", { class: "hidden" }, words));
}
