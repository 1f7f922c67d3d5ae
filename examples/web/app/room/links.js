/** The links that let people into a group. */

import { attempt, copy, explain, patient } from "../lib/announce.js";
import { dialog } from "../lib/dialog.js";
import { field, fill, h, icon } from "../lib/dom.js";
import { full, short } from "../lib/time.js";

const LIVES = [["1 hour", 3_600], ["1 day", 86_400], ["1 week", 604_800], ["Never", 0]];
const USES = [["Once", 1], ["10 times", 10], ["As often as people like", 0]];

/** Returns the address that people open to join. */
const addressOf = (code) => `${location.origin}${location.pathname}#/join/${code}`;

export function links(section, chat, conv, scope) {
  const list = h("ul", { class: "sessions" });
  const make = h("button", { type: "button", class: "quiet", onclick: () => create(conv, load) }, icon("link"), "Make a link");
  fill(section, h("h2", {}, "Links"), list, h("div", {}, make));
  load();
  scope.add(chat.status.subscribe(({ synced }) => synced && load()));

  async function load() {
    try {
      const all = await conv.links();
      if (!scope.ended) fill(list, all.length === 0 ? h("li", { class: "hint" }, "Nobody can join by a link.") : all.map(row));
    } catch (error) {
      if (!scope.ended) fill(list, h("li", { class: "hint" }, explain(error)));
    }
  }

  function row({ code, expiresAt, maxUses, uses }) {
    const used = `Used ${uses}${maxUses ? ` of ${maxUses}` : ""} ${(maxUses ?? uses) === 1 ? "time" : "times"}`;
    const revoke = patient(async () => {
      await conv.revokeLink(code);
      await load();
    });
    return h(
      "li",
      { class: "link-row" },
      h("div", { class: "session" }, h("code", {}, `…${code.slice(-8)}`), h("p", { class: "hint" }, [used, expiresAt && h("span", { title: full(expiresAt) }, `, until ${short(expiresAt)}`)])),
      h("button", { type: "button", class: "quiet small", onclick: () => copy(addressOf(code)) }, "Copy"),
      h("button", { type: "button", class: "danger-quiet small", onclick: revoke }, "Revoke"),
    );
  }
}

function create(conv, done) {
  const choices = (all, chosen) => {
    const select = h("select", {}, all.map(([label, value]) => h("option", { value: String(value) }, label)));
    select.value = String(chosen);
    return select;
  };
  const life = choices(LIVES, 604_800);
  const most = choices(USES, 0);
  const make = async (event) => {
    event.preventDefault();
    const made = await attempt(async () => {
      const { code } = await conv.createLink({ expiresIn: Number(life.value) || undefined, maxUses: Number(most.value) || undefined });
      node.close();
      await copy(addressOf(code), "The link is copied.");
    });
    if (made) done();
  };
  const node = dialog(
    "Make a link",
    h(
      "form",
      { class: "stack", onsubmit: make },
      field("It ends after", life),
      field("It can be used", most, "Whoever has the link can join."),
      h("footer", { class: "buttons" }, h("button", { class: "primary" }, "Make the link")),
    ),
  );
  life.focus();
}
