/** One conversation: who it is with, what was said, and what is being written. */

import { fill, h, icon, iconButton } from "../lib/dom.js";
import { avatar, nameOf, titleOf } from "../lib/names.js";
import { full, presence, span } from "../lib/time.js";
import { composer } from "./composer.js";
import { forEver, silenced } from "./muted.js";
import { timeline } from "./timeline.js";

export function room(main, chat, conv, scope) {
  const title = h("h1", { class: "room-title", dir: "auto", tabindex: "-1" });
  const state = h("p", { class: "room-state" });
  const head = h("a", { class: "room-head", href: `#/c/${conv.id}/info` });
  const pinned = h("button", { type: "button", class: "pinned", hidden: true });
  const box = h("div", { class: "composer-box" });
  const writer = composer(chat, conv, scope);
  const said = timeline(chat, conv, scope, writer);
  fill(
    main,
    h(
      "header",
      { class: "bar room-bar" },
      h("a", { class: "icon-button only-phone", href: "#/", "aria-label": "Back to the conversations", title: "Back" }, icon("back")),
      head,
    ),
    pinned,
    said.node,
    box,
  );

  const show = () => {
    const info = conv.info.value;
    if (!info) {
      fill(head, title, state);
      fill(title, chat.status.value.synced ? "Not here" : "…");
      fill(state, chat.status.value.synced ? "You are not a member of this conversation." : undefined);
      fill(box);
      return;
    }
    const name = titleOf(info);
    if (title.textContent !== name) fill(title, name);
    const picture = avatar(info.type === "dm" ? info.user?.id ?? info.id : info.id, name, { online: info.user?.online && info.type === "dm" });
    const life = info.disappearingTTL && `Messages disappear ${span(info.disappearingTTL)} after they were read`;
    fill(head, picture, h("div", { class: "room-names" }, title, state), life && h("span", { class: "flag", title: life }, icon("timer"), h("span", { class: "hidden" }, life)), h("span", { class: "hidden" }, "About this conversation"));
    showState(info);
    showPinned(info);
    if (info.blocked) {
      fill(box, h("p", { class: "nothing" }, "You have blocked this person. ", h("button", { type: "button", class: "link", onclick: () => conv.set({ blocked: false }) }, "Unblock")));
    } else if (info.type === "group" && silenced(myself())) {
      const { mutedUntil } = myself();
      fill(box, h("p", { class: "nothing" }, forEver(myself()) ? "You are muted here." : `You are muted here until ${full(mutedUntil)}.`));
    } else if (!box.contains(writer.node)) fill(box, writer.node);
    writer.slow(info.role === "member" ? info.slowMode : undefined);
  };

  const myself = () => conv.members.value.find(({ id }) => id === chat.me.value.id);

  const showState = (info) => {
    const typing = conv.typing.value.map((id) => nameOf(chat.user(id).value ?? { id }));
    state.classList.toggle("typing", typing.length > 0);
    if (typing.length > 0) fill(state, info.type === "dm" ? "typing…" : `${list(typing)} ${typing.length > 1 ? "are" : "is"} typing…`);
    else if (info.type === "dm") fill(state, [presence(info.user), info.user?.status].filter(Boolean).join(" · "));
    else if (info.type === "group") fill(state, members(conv.members.value));
    else fill(state);
  };

  const showPinned = (info) => {
    pinned.hidden = !info.pinnedSeq;
    if (pinned.hidden) return;
    fill(pinned, icon("star", "icon tiny"), h("span", {}, "Pinned message"));
    pinned.onclick = () => said.jump(info.pinnedSeq);
  };

  scope.watch(conv.info, show);
  scope.add(chat.status.subscribe(() => conv.info.value || show()));
  scope.add(conv.typing.subscribe(() => conv.info.value && showState(conv.info.value)));
  scope.add(conv.members.subscribe(() => conv.info.value && show()));
  // With a keyboard one wants to write; on a phone that would open the screen's keyboard.
  if (matchMedia("(pointer: fine)").matches && conv.info.value) writer.focus();
  else title.focus({ preventScroll: true });
  return { jump: said.jump };
}

function members(all) {
  if (all.length === 0) return "group";
  const online = all.filter((member) => member.online).length;
  return `${all.length} ${all.length === 1 ? "member" : "members"}${online > 1 ? `, ${online} online` : ""}`;
}

/** Joins names as people do. */
function list(names) {
  return names.length < 3 ? names.join(" and ") : `${names.slice(0, 2).join(", ")} and others`;
}
