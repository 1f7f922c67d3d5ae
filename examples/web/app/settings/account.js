/** What the user logs in with. */

import { attempt, toast } from "../lib/announce.js";
import { card, field, h } from "../lib/dom.js";

export function account(chat) {
  const name = h("input", { autocomplete: "username", autocapitalize: "none", spellcheck: "false", required: true, minlength: "4", maxlength: "64" });
  const change = async (event) => {
    event.preventDefault();
    if (!(await attempt(() => chat.updateProfile({ username: name.value.trim() })))) return;
    name.value = "";
    toast("Saved. Log in with the new user name from now on.");
  };
  return card("Account", h("form", { class: "inline-form", onsubmit: change }, field("New user name", name), h("button", { class: "quiet" }, "Change")));
}
