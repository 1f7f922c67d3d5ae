/** Who sees what of the user. */

import { attempt, toast } from "../lib/announce.js";
import { card, field, h } from "../lib/dom.js";

const WHAT = [
  ["lastSeen", "Who sees when you are here", "Also when you last were, and your status."],
  ["receipts", "Who sees what you have read", ""],
  ["typing", "Who sees that you are writing", ""],
  ["discoverable", "Who finds you and can write first", "People in your conversations can always answer."],
];
const WHOM = [["everyone", "Everyone"], ["contacts", "My contacts"], ["nobody", "Nobody"]];

export function privacy(chat, scope) {
  const selects = WHAT.map(([key, label, hint]) => {
    const select = h("select", { onchange: () => save(key, select) }, WHOM.map(([value, text]) => h("option", { value }, text)));
    return { key, select, node: field(label, select, hint) };
  });
  const save = async (key, select) => {
    if (await attempt(() => chat.updateProfile({ privacy: { [key]: select.value } }))) toast("Saved.");
    else select.value = chat.me.value.privacy[key];
  };
  scope.watch(chat.me, (me) => {
    for (const { key, select } of selects) select.value = me.privacy?.[key] ?? "everyone";
  });
  return card("Privacy", selects.map(({ node }) => node));
}
