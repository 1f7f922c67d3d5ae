/** One's own things: name, look, password, sessions, and the way out. */

import { attempt, toast } from "../lib/announce.js";
import { confirmed } from "../lib/dialog.js";
import { card, field, fill, h, pageBar } from "../lib/dom.js";
import { avatar, nameOf, titleOf } from "../lib/names.js";
import { setTheme, theme } from "../lib/theme.js";
import { account } from "./account.js";
import { privacy } from "./privacy.js";
import { sessions } from "./sessions.js";

export function settings(main, chat, scope) {
  const bar = pageBar("Settings");
  fill(
    main,
    bar.node,
    h("div", { class: "scroll" }, h("div", { class: "settings" }, profile(chat, scope), look(), privacy(chat, scope), blocked(chat, scope), account(chat), password(chat), sessions(chat, scope), leaving(chat))),
  );
  bar.focus();
}

function profile(chat, scope) {
  const picture = h("div", {});
  const name = h("input", { maxlength: "60", required: true, dir: "auto", autocomplete: "name" });
  const status = h("input", { maxlength: "140", dir: "auto", autocomplete: "off" });
  scope.watch(chat.me, (me) => {
    fill(picture, avatar(me.id, nameOf(me), { size: "size-l" }));
    if (document.activeElement !== name) name.value = nameOf(me);
    if (document.activeElement !== status) status.value = me.status ?? "";
  });
  const save = async (event) => {
    event.preventDefault();
    const { public: known } = chat.me.value;
    const others = known && typeof known === "object" && !Array.isArray(known) ? known : {};
    if (await attempt(() => chat.updateProfile({ public: { ...others, fn: name.value.trim() }, status: status.value.trim() }))) toast("Saved.");
  };
  return card("Profile", h("form", { class: "profile", onsubmit: save }, picture, field("Your name", name, "What others see."), field("Status", status, "What you do just now; empty for none."), h("button", { class: "primary" }, "Save")));
}

function look() {
  const choices = [["system", "As the system"], ["light", "Light"], ["dark", "Dark"]];
  const radio = ([value, label]) => {
    const input = h("input", { type: "radio", name: "theme", value, onchange: () => setTheme(value) });
    input.checked = theme() === value;
    return h("label", { class: "check" }, input, label);
  };
  return card("Look", h("fieldset", { class: "choices" }, h("legend", { class: "hidden" }, "Theme"), choices.map(radio)));
}

/** People whom one has blocked, with the way back. */
function blocked(chat, scope) {
  const list = h("ul", { class: "people" });
  scope.watch(chat.conversations, (all) => {
    const those = all.filter((info) => info.blocked);
    fill(
      list,
      those.length === 0 && h("li", { class: "hint" }, "You have blocked nobody."),
      those.map((info) =>
        h(
          "li",
          { class: "member" },
          avatar(info.user?.id ?? info.id, titleOf(info), { size: "size-s" }),
          h("span", { class: "person-name", dir: "auto" }, titleOf(info)),
          h("button", { type: "button", class: "quiet small", onclick: () => attempt(() => chat.conversation(info.id).set({ blocked: false })) }, "Unblock"),
        ),
      ),
    );
  });
  return card("Blocked people", list);
}

function password(chat) {
  const old = h("input", { type: "password", autocomplete: "current-password", required: true });
  const fresh = h("input", { type: "password", autocomplete: "new-password", required: true, minlength: String(chat.limits.value.minPasswordLength ?? 8) });
  const change = async (event) => {
    event.preventDefault();
    if (!(await attempt(() => chat.changePassword(old.value, fresh.value)))) return;
    old.value = fresh.value = "";
    toast("The password was changed. Your other devices are logged out.");
  };
  return card(
    "Password",
    h(
      "form",
      { class: "stack", onsubmit: change },
      h("input", { class: "hidden", autocomplete: "username", tabindex: "-1", "aria-hidden": "true", value: nameOf(chat.me.value), readonly: true }),
      field("Old password", old),
      field("New password", fresh, "Logs your other devices out."),
      h("div", {}, h("button", { class: "quiet" }, "Change password")),
    ),
  );
}

function leaving(chat) {
  const everywhere = async () => {
    if (await confirmed("Log out everywhere?", "All your devices have to log in again.", "Log out")) attempt(() => chat.logout({ all: true }));
  };
  return card(
    "Log out",
    h("p", { class: "hint" }, "Everything that is kept on this device is removed, also messages that were not sent yet."),
    h(
      "div",
      { class: "buttons start" },
      h("button", { type: "button", class: "danger", onclick: () => attempt(() => chat.logout()) }, "Log out"),
      h("button", { type: "button", class: "danger-quiet", onclick: everywhere }, "Log out everywhere"),
    ),
  );
}
