/** The members of a group: who they are, what they may do, and inviting more. */

import { attempt, patient } from "../lib/announce.js";
import { confirmed, dialog } from "../lib/dialog.js";
import { field, fill, h, iconButton, patch } from "../lib/dom.js";
import { Keyed } from "../lib/keyed.js";
import { menu } from "../lib/menu.js";
import { avatar, nameOf } from "../lib/names.js";
import { full } from "../lib/time.js";
import { person, searching } from "../list/people.js";
import { forEver, silenced } from "./muted.js";

/** How long members may be muted, in seconds. */
const MUTES = [["1 hour", 3_600], ["8 hours", 28_800], ["1 day", 86_400], ["1 week", 604_800], ["Until I unmute them", 0]];
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

  /** A ban stands in the way of an invitation until it is lifted. */
  const add = async (user) => {
    try {
      await conv.invite(user.id);
    } catch (error) {
      if (error.code !== "forbidden" || !/banned/.test(error.message)) throw error;
      if (!(await confirmed(`${nameOf(user)} was banned`, "Lift the ban and let them in again?", "Lift the ban"))) return false;
      await conv.unban(user.id);
      await conv.invite(user.id);
    }
    return true;
  };

  searching(chat, scope, input, (query, users, problem) => {
    const inside = new Set(conv.members.value.map(({ id }) => id));
    const others = users.filter(({ id }) => !inside.has(id));
    fill(note, problem ?? (query && others.length === 0 ? "Nobody else of this name." : undefined));
    fill(found, others.map((user) => h("li", {}, person(user, patient(async () => {
      if (!(await add(user))) return;
      input.value = "";
      fill(found);
      input.focus();
    })))));
  });

  function draw(node, member, role) {
    const me = member.id === chat.me.value.id;
    const name = nameOf(member);
    return patch(node, [
      ["picture", [name, member.online], () => avatar(member.id, name, { online: member.online, size: "size-s" })],
      ["name", [name], () => h("span", { class: "person-name", dir: "auto" }, me ? `${name} (you)` : name)],
      member.online && ["online", [], () => h("span", { class: "hidden" }, "online")],
      member.role !== "member" && ["role", [member.role], () => h("span", { class: "role" }, member.role)],
      silenced(member) && ["muted", [member.mutedUntil], () => h("span", { class: "role", title: forEver(member) ? "Muted" : `Muted until ${full(member.mutedUntil)}` }, "muted")],
      !me && ["more", [name, member.role, member.mutedUntil, role], () => more(member, role, name)],
    ]);
  }

  function more(member, role, name) {
    const above = RANK[role] > RANK[member.role ?? "member"];
    const button = iconButton("more", `What to do with ${name}`, () => menu(button, name, [
      { label: "Write to them", onclick: () => attempt(async () => (location.hash = `#/c/${(await chat.dm(member.id)).id}`)) },
      role === "owner" && member.role === "member" && { label: "Make admin", onclick: () => attempt(() => conv.setRole(member.id, "admin")) },
      role === "owner" && member.role === "admin" && { label: "Take admin away", onclick: () => attempt(() => conv.setRole(member.id, "member")) },
      above && silenced(member) && { label: "Unmute", onclick: () => attempt(() => conv.unmute(member.id)) },
      above && !silenced(member) && { label: "Mute…", onclick: () => mute(member) },
      role === "owner" && { label: "Make owner", danger: true, onclick: () => transfer(member) },
      above && { label: "Remove from the group", danger: true, onclick: () => remove(member) },
      above && { label: "Ban", danger: true, onclick: () => ban(member) },
    ]), { "aria-haspopup": "menu", class: "icon-button small" });
    return button;
  }

  async function transfer(member) {
    const yes = await confirmed(`Make ${nameOf(member)} the owner?`, "You become an admin.", "Make owner");
    if (yes) attempt(() => conv.transfer(member.id));
  }

  function mute(member) {
    const choice = h("select", {}, MUTES.map(([label, seconds]) => h("option", { value: String(seconds) }, label)));
    const node = dialog(
      `Mute ${nameOf(member)}`,
      h(
        "form",
        {
          class: "stack",
          onsubmit: async (event) => {
            event.preventDefault();
            const until = Number(choice.value) ? Date.now() + Number(choice.value) * 1_000 : undefined;
            if (await attempt(() => conv.mute(member.id, until))) node.close();
          },
        },
        field("For how long", choice, "They can read, and can't write here."),
        h("footer", { class: "buttons" }, h("button", { class: "primary" }, "Mute")),
      ),
    );
    choice.focus();
  }

  async function ban(member) {
    if (await confirmed(`Ban ${nameOf(member)}?`, "They are removed, and no link lets them in again. Invite them to lift the ban.", "Ban")) attempt(() => conv.ban(member.id));
  }

  async function remove(member) {
    if (await confirmed(`Remove ${nameOf(member)}?`, "They get no more messages of this group.", "Remove")) attempt(() => conv.kick(member.id));
  }
}
