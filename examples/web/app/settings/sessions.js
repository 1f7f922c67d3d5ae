/** Where one is logged in. */

import { attempt, explain } from "../lib/announce.js";
import { fill, h } from "../lib/dom.js";
import { full } from "../lib/time.js";

export function sessions(chat, scope) {
  const list = h("ul", { class: "sessions" });
  let failed = false;
  load();
  // Whoever opens this page first comes before the connection does.
  scope.add(chat.status.subscribe(({ state }) => state === "online" && failed && load()));
  return h("section", { class: "card stack" }, h("h2", {}, "Sessions"), list);

  async function load() {
    try {
      failed = false;
      const all = await chat.sessions();
      if (!scope.ended) fill(list, [...all].sort((a, b) => Number(b.current) - Number(a.current)).map(row));
    } catch (error) {
      failed = true;
      if (!scope.ended) fill(list, h("li", { class: "hint" }, explain(error)));
    }
  }

  function row({ id, device, userAgent, lastUsedAt, current }) {
    const revoke = async () => {
      if (await attempt(() => chat.revokeSession(id))) load();
    };
    return h(
      "li",
      { class: "member" },
      h(
        "div",
        { class: "session" },
        h("p", { dir: "auto" }, device || userAgent || "Unknown device"),
        h("p", { class: "hint" }, current ? "This session" : `Last used ${full(lastUsedAt)}`),
      ),
      !current && h("button", { type: "button", class: "danger-quiet small", onclick: revoke }, "Log out"),
    );
  }
}
