/** Someone has opened a link: of a group, or of a person who invites them. */

import { explain } from "../lib/announce.js";
import { fill, h, icon, pageBar } from "../lib/dom.js";

const KINDS = {
  join: { title: "Join a group", text: "Someone gave you a link to a group. Its members will see that you have joined.", yes: "Join the group", open: (chat, code) => chat.joinGroup(code) },
  invite: { title: "An invitation", text: "Someone invites you to write with them. You become each other's contacts.", yes: "Accept the invitation", open: (chat, code) => chat.redeemInvite(code) },
};

const WORDS = { not_found: "This link does not work any more, or never did.", forbidden: "You were banned from this group.", group_full: "The group is full." };

/** Makes the page that asks before anything happens. */
export function arrive(kind) {
  const { title, text, yes, open } = KINDS[kind];
  return (main, chat, scope, code = "") => {
    const bar = pageBar(title);
    const error = h("p", { class: "error", role: "alert" });
    const go = h("button", { type: "button", class: "primary", onclick: enter }, yes);
    fill(main, bar.node, h("div", { class: "arrive stack" }, icon(kind === "join" ? "people" : "link"), h("p", {}, text), go, error));
    go.focus();

    async function enter() {
      go.disabled = true;
      fill(error);
      try {
        const conv = await open(chat, code);
        if (!scope.ended) location.replace(`#/c/${conv.id}`);
      } catch (reason) {
        go.disabled = false;
        fill(error, WORDS[reason.code] ?? explain(reason));
      }
    }
  };
}
