/** Sign up and log in. */

import { explain } from "./lib/announce.js";
import { field, fill, h } from "./lib/dom.js";

/**
 * Shows the door; whoever comes with an invitation is asked to sign up first. `enter` gets what `connect` needs and rejects when the server does not let in.
 */
export function door(app, note, enter) {
  const invited = /^#\/invite\/(.+)$/.exec(location.hash)?.[1];
  show(invited ? "signup" : "login", note);

  function show(kind, message) {
    const signUp = kind === "signup";
    const user = h("input", {
      name: "username",
      autocomplete: "username",
      autocapitalize: "none",
      spellcheck: "false",
      required: true,
      minlength: signUp ? "4" : "1",
      maxlength: "64",
    });
    const password = h("input", {
      name: "password",
      type: "password",
      autocomplete: signUp ? "new-password" : "current-password",
      required: true,
      minlength: signUp ? "8" : "1",
    });
    const name = h("input", { name: "name", autocomplete: "name", maxlength: "60", dir: "auto" });
    const error = h("p", { class: "error", role: "alert" }, message);
    const submit = h("button", { class: "primary wide" }, signUp ? "Sign up" : "Log in");
    const form = h(
      "form",
      { onsubmit: go },
      field("User name", user, signUp && "At least 4 characters; you log in with it."),
      signUp && field("Your name", name, "What others see."),
      field("Password", password, signUp && "At least 8 characters."),
      error,
      submit,
    );
    const other = signUp ? "login" : "signup";
    fill(
      app,
      h(
        "main",
        { class: "door" },
        h("img", { class: "logo", src: new URL("../icon.svg", import.meta.url).href, alt: "", width: "56", height: "56" }),
        h("h1", {}, signUp ? "Make an account" : "Welcome to mvchat"),
        invited && h("p", { class: "hint" }, "You were invited. With an account you can write at once to whoever invited you."),
        form,
        h(
          "p",
          { class: "other" },
          signUp ? "You have one already? " : "New here? ",
          h("button", { type: "button", class: "link", onclick: () => show(other) }, signUp ? "Log in" : "Sign up"),
        ),
      ),
    );
    user.focus();

    async function go(event) {
      event.preventDefault();
      fill(error);
      submit.disabled = true;
      form.setAttribute("aria-busy", "true");
      const account = { user: user.value.trim(), password: password.value };
      try {
        if (!signUp) return await enter({ credentials: account });
        await enter({ signUp: { ...account, public: { fn: name.value.trim() || account.user }, inviteCode: invited } });
      } catch (reason) {
        submit.disabled = false;
        form.removeAttribute("aria-busy");
        fill(error, reason.code === "offline" ? "The server can't be reached. Please try again." : explain(reason));
        password.focus();
      }
    }
  }
}
