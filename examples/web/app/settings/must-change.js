/** The password was given by somebody else: nothing goes on before the user has one of their own. */

import { explain } from "../lib/announce.js";
import { field, fill, h } from "../lib/dom.js";

/** Asks for a new password; `done` is called once it is set. */
export function mustChange(app, chat, done) {
  const old = h("input", { type: "password", autocomplete: "current-password", required: true });
  const fresh = h("input", { type: "password", autocomplete: "new-password", required: true, minlength: String(chat.limits.value.minPasswordLength ?? 8) });
  const error = h("p", { class: "error", role: "alert" });
  const submit = h("button", { class: "primary wide" }, "Set the password");
  const change = async (event) => {
    event.preventDefault();
    submit.disabled = true;
    fill(error);
    try {
      await chat.changePassword(old.value, fresh.value);
      done();
    } catch (reason) {
      submit.disabled = false;
      fill(error, explain(reason));
    }
  };
  fill(
    app,
    h(
      "main",
      { class: "door" },
      h("h1", {}, "Choose a password"),
      h("p", { class: "hint" }, "The one you came with was given to you. From now on only you know it."),
      h(
        "form",
        { onsubmit: change },
        field("The password you came with", old),
        field("Your new password", fresh),
        error,
        submit,
        h("button", { type: "button", class: "link", onclick: () => chat.logout().catch(() => {}) }, "Log out"),
      ),
    ),
  );
  old.focus();
}
