/** Invitations to the server. */

import { attempt, copy, patient, toast } from "../lib/announce.js";
import { card, field, fill, h } from "../lib/dom.js";
import { short } from "../lib/time.js";

/** Returns the address that an invited person opens. */
const addressOf = (code) => `${location.origin}${location.pathname}#/invite/${code}`;

export function invites(chat, scope) {
  const list = h("ul", { class: "sessions" });
  const email = h("input", { type: "email", required: true, maxlength: "255", autocomplete: "off" });
  const name = h("input", { maxlength: "128", dir: "auto", autocomplete: "off" });
  const make = async (event) => {
    event.preventDefault();
    const done = await attempt(async () => {
      const { code } = await chat.createInvite({ email: email.value.trim(), name: name.value.trim() || undefined });
      await copy(addressOf(code), "The link is copied. Give it to whom you invite.");
    });
    if (done) email.value = name.value = "";
  };
  scope.watch(chat.invites, (all) => {
    fill(list, (all ?? []).map(row));
    list.hidden = !all?.length;
  });
  return card(
    "Invite people",
    h("p", { class: "hint" }, "Whoever opens the link can sign up, and you are each other's contacts at once. It works once, for a week."),
    h("form", { class: "stack", onsubmit: make }, h("div", { class: "pair" }, field("E-mail address", email), field("Name, if you like", name)), h("div", {}, h("button", { class: "primary" }, "Make an invitation"))),
    list,
    redeem(chat),
  );

  function row({ id, email: address, name: who, status, code, expiresAt, usedBy }) {
    const states = { pending: `Open until ${short(expiresAt)}`, used: "Accepted", expired: "Not accepted in time" };
    return h(
      "li",
      { class: "member" },
      h("div", { class: "session" }, h("p", { dir: "auto" }, who ? `${who}, ${address}` : address), h("p", { class: "hint" }, states[status] ?? status)),
      status === "pending" && [
        code && h("button", { type: "button", class: "quiet small", onclick: () => copy(addressOf(code)) }, "Copy link"),
        h("button", { type: "button", class: "danger-quiet small", onclick: patient(() => chat.revokeInvite(id)) }, "Revoke"),
      ],
      status === "used" && usedBy && h("button", { type: "button", class: "quiet small", onclick: patient(async () => (location.hash = `#/c/${(await chat.dm(usedBy)).id}`)) }, "Write"),
    );
  }
}

/** For those who got a code and not a link. */
function redeem(chat) {
  const code = h("input", { required: true, autocomplete: "off", spellcheck: "false" });
  const use = async (event) => {
    event.preventDefault();
    await attempt(async () => {
      const conv = await chat.redeemInvite(codeOf(code.value));
      toast("You are contacts now.");
      location.hash = `#/c/${conv.id}`;
    });
  };
  return h("form", { class: "inline-form", onsubmit: use }, field("Got a code or a link yourself?", code), h("button", { class: "quiet" }, "Use it"));
}

/** Finds the code in what people paste. */
export function codeOf(text) {
  return text.trim().split("/").at(-1);
}
