/** The members of a group: who they are, what they may do, and inviting more. */

import { attempt } from "../lib/announce.js";
import { confirmed } from "../lib/dialog.js";
import { field, fill, h, iconButton, patch } from "../lib/dom.js";
import { Keyed } from "../lib/keyed.js";
import { menu } from "../lib/menu.js";
import { avatar, nameOf } from "../lib/names.js";
import { person, searching } from "../list/people.js";

const RANK = { member: 0, admin: 1, owner: 2 };

export function members(section, chat, conv, scope) {
  const list = h("ul", { class: "people" });
  const keyed = new Keyed(list, {
    key: ({ member }) => member.id,
    create: ({ member, role }) => draw(h("li", { class: "member" }), member, role),
    update: (node, { member, role }) => draw(node, member, role),
    same: (a, b) => a.role === b.role && JSON.stringify(a.member) === JSON.stringify(b.member),
  });
  const count = h("h2", {});
  const input = h("input", { type: "search", dir: "auto", autocomplete: "off" });
  const found = h("ul", { class: "people" });
  const note = h("p", { class: "hint", role: "status" });
  const invite = h("div", { class: "stack" }, field("Invite someone", input), note, found);
  fill(section, count, list, invite);

  const show = () => {
    const all = conv.members.value;
    const role = conv.info.value?.role ?? "member";
    invite.hidden = RANK[role] < RANK.admin;
    fill(count, all.length > 0 ? `Members (${all.length})` : "Members");
    const sorted = [...all].sort((a, b) => (RANK[b.role] ?? 0) - (RANK[a.role] ?? 0) || nameOf(a).localeCompare(nameOf(b)));
    keyed.show(sorted.map((member) => ({ member, role })));
  };
  scope.watch(conv.members, show);
  scope.add(conv.info.subscribe(show));

  searching(chat, scope, input, (query, users, problem) => {
    const inside = new Set(conv.members.value.map(({ id }) => id));
    const others = users.filter(({ id }) => !inside.has(id));
    fill(note, problem ?? (query && others.length === 0 ? "Nobody else of this name." : undefined));
    fill(found, others.map((user) => h("li", {}, person(user, async () => {
      if (!(await attempt(() => conv.invite(user.id)))) return;
      input.value = "";
      fill(found);
      input.focus();
    }))));
  });

  function draw(node, member, role) {
    const me = member.id === chat.me.value.id;
    const name = nameOf(member);
    return patch(node, [
      ["picture", [name, member.online], () => avatar(member.id, name, { online: member.online, size: "size-s" })],
      ["name", [name], () => h("span", { class: "person-name", dir: "auto" }, me ? `${name} (you)` : name)],
      member.online && ["online", [], () => h("span", { class: "hidden" }, "online")],
      member.role !== "member" && ["role", [member.role], () => h("span", { class: "role" }, member.role)],
      !me && ["more", [name, member.role, role], () => more(member, role, name)],
    ]);
  }

  function more(member, role, name) {
    const above = RANK[role] > RANK[member.role ?? "member"];
    const button = iconButton("more", `What to do with ${name}`, () => menu(button, name, [
      { label: "Write to them", onclick: () => attempt(async () => (location.hash = `#/c/${(await chat.dm(member.id)).id}`)) },
      role === "owner" && member.role === "member" && { label: "Make admin", onclick: () => attempt(() => conv.setRole(member.id, "admin")) },
      role === "owner" && member.role === "admin" && { label: "Take admin away", onclick: () => attempt(() => conv.setRole(member.id, "member")) },
      role === "owner" && { label: "Make owner", danger: true, onclick: () => transfer(member) },
      above && { label: "Remove from the group", danger: true, onclick: () => remove(member) },
    ]), { "aria-haspopup": "menu", class: "icon-button small" });
    return button;
  }

  async function transfer(member) {
    const yes = await confirmed(`Make ${nameOf(member)} the owner?`, "You become an admin.", "Make owner");
    if (yes) attempt(() => conv.transfer(member.id));
  }

  async function remove(member) {
    if (await confirmed(`Remove ${nameOf(member)}?`, "They get no more messages of this group.", "Remove")) attempt(() => conv.kick(member.id));
  }
}
