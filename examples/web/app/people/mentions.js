/** Where others have named the user. */

import { explain } from "../lib/announce.js";
import { fill, h, pageBar } from "../lib/dom.js";
import { Keyed } from "../lib/keyed.js";
import { avatar, nameOf, preview, titleOf } from "../lib/names.js";
import { full, short } from "../lib/time.js";

export function mentions(main, chat, scope) {
  const bar = pageBar("Mentions");
  const list = h("ul", { class: "mentions" });
  const note = h("p", { class: "nothing", role: "status" }, "Loading…");
  fill(main, bar.node, h("div", { class: "scroll" }, note, list));
  bar.focus();
  let all = [];
  const load = async () => {
    try {
      all = await chat.mentions({ limit: 50 });
      if (scope.ended) return;
      for (const { from } of all) if (from) follow(from);
      show();
      fill(note, all.length === 0 ? "Nobody has mentioned you yet." : undefined);
      note.hidden = all.length > 0;
    } catch (error) {
      if (!scope.ended && all.length === 0) fill(note, explain(error));
    }
  };
  const keyed = new Keyed(list, {
    key: ({ conv, seq }) => `${conv}/${seq}`,
    create: (message) => update(h("li", {}, h("a", { href: `#/c/${message.conv}/${message.seq}` })), message),
    update,
    // Who it is from and where it is may be known better now.
    same: () => false,
  });
  const show = () => keyed.show(all);
  const followed = new Set();
  const follow = (id) => {
    if (followed.has(id)) return;
    followed.add(id);
    scope.add(chat.user(id).subscribe(show));
  };
  load();
  scope.add(chat.status.subscribe(({ synced }) => synced && load()));
  scope.add(chat.on("message", ({ mentions: named }) => named.some(({ userId }) => userId === chat.me.value.id) && load()));

  function update(item, message) {
    const name = nameOf(chat.user(message.from).value ?? { id: message.from });
    const info = chat.conversation(message.conv).info.value;
    fill(
      item.firstElementChild,
      avatar(message.from ?? message.conv, name, { size: "size-s" }),
      h(
        "span",
        { class: "entry-text" },
        h(
          "span",
          { class: "entry-top" },
          h("span", { class: "entry-title", dir: "auto" }, name),
          info && info.type !== "dm" && h("span", { class: "where", dir: "auto" }, `in ${titleOf(info)}`),
          h("time", { datetime: message.at, title: full(message.at) }, short(message.at)),
        ),
        h("span", { class: "mention-text", dir: "auto" }, preview(message)),
      ),
    );
    return item;
  }
}
