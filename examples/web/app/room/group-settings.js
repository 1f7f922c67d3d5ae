/** What admins set for a whole group. */

import { attempt } from "../lib/announce.js";
import { field, fill, h } from "../lib/dom.js";
import { span } from "../lib/time.js";

/** The least time between two messages of a plain member, in seconds. */
const PACES = [0, 10, 30, 60, 300, 3_600];

export function groupSettings(section, conv, scope) {
  const pace = h("select", { onchange: () => attempt(() => conv.update({ slowMode: Number(pace.value) || null })) });
  const toggles = [["joinable", "Links let people in"], ["noScreenshots", "Ask for no screenshots"], ["systemMessages", "Tell who comes, goes and changes"]].map(([key, label]) => {
    const box = h("input", { type: "checkbox", onchange: () => attempt(() => conv.update({ [key]: box.checked })) });
    return { key, box, node: h("label", { class: "check" }, box, label) };
  });
  fill(section, h("h2", {}, "Group"), field("Slow mode", pace, "How long members wait between two messages."), toggles.map(({ node }) => node));
  scope.watch(conv.info, (view) => {
    if (!view) return;
    const now = view.slowMode ?? 0;
    const all = [...new Set([...PACES, now])];
    if (pace.options.length !== all.length) fill(pace, all.map((seconds) => h("option", { value: String(seconds) }, seconds === 0 ? "Off" : span(seconds))));
    pace.value = String(now);
    for (const { key, box } of toggles) box.checked = view[key];
  });
}
