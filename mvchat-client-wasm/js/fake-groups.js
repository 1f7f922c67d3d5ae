/** How the fake server manages groups. */

import { Refusal } from "./fake-store.js";

const RANK = { member: 0, admin: 1, owner: 2 };
/** Whoever is muted for ever is muted until then. */
const FOR_EVER = "9999-12-31T23:59:59.999999Z";

/** Carries out a `group` request. */
export function group(of, fields) {
  const { store, me } = of;
  const { action, id, desc, link } = fields;
  if (action === "create") {
    const conv = store.addConv("group", [me], { public: desc?.public ?? null, links: new Map(), banned: new Set() });
    return { code: 201, params: { conv: conv.id, public: conv.public, rev: conv.rev } };
  }
  if (action === "join") return join(of, link);
  const act = ACTIONS[action];
  if (!act) throw new Refusal(400, "invalid", "unknown action");
  return act(of, store.conv(id, me), fields);
}

const ACTIONS = {
  invite({ store, socket, me }, conv, { user }) {
    store.user(user);
    if (conv.banned.has(user)) throw new Refusal(403, "forbidden", "banned");
    return done(conv, joined(store, conv, me, user, socket), { user, public: store.item(user).public });
  },

  leave: (of, conv) => gone(of, conv, of.me, "member_left"),
  kick: (of, conv, { user }) => gone(of, conv, above(of, conv, user), "member_kicked"),

  ban(of, conv, { user }) {
    conv.banned.add(above(of, conv, user));
    return gone(of, conv, user, "member_banned");
  },

  unban({ store, socket, me }, conv, { user }) {
    if (!conv.banned.delete(user)) throw new Refusal(404, "not_found", "user not banned");
    return done(conv, store.change(conv, me, "member_unbanned", { user }, socket), { user });
  },

  mute: (of, conv, { user, until = FOR_EVER }) => muted(of, conv, user, until),
  unmute: (of, conv, { user }) => muted(of, conv, user, undefined),

  role({ store, socket, me }, conv, { user, role }) {
    conv.members.get(user).role = role;
    return done(conv, store.change(conv, me, "role_changed", { user, content: { role } }, socket), { user, role });
  },

  transfer({ store, socket, me }, conv, { user }) {
    conv.members.get(user).role = "owner";
    conv.members.get(me).role = "admin";
    return done(conv, store.change(conv, me, "owner_changed", { user }, socket), { user });
  },

  link({ me }, conv, { create, revoke, expiresIn, maxUses }) {
    if (create) {
      const now = Date.now();
      const expiresAt = expiresIn && new Date(now + expiresIn * 1_000).toISOString();
      const link = { conv: conv.id, code: crypto.randomUUID(), expiresAt, maxUses, uses: 0, by: me, createdAt: new Date(now).toISOString() };
      conv.links.set(link.code, link);
      return { params: link };
    }
    if (revoke === undefined) return { params: { conv: conv.id, links: [...conv.links.values()] } };
    if (!conv.links.delete(revoke)) throw new Refusal(404, "not_found", "invalid link");
    return { params: { conv: conv.id } };
  },

  delete({ store, socket, me }, conv) {
    const rev = store.change(conv, me, "conv_deleted", {}, socket);
    store.end(conv);
    return done(conv, rev, {});
  },

  update({ store, socket, me }, conv, { desc, noScreenshots, ...settings }) {
    const set = ["retention", "systemMessages", "slowMode", "joinable"].find((name) => settings[name] !== undefined);
    if (set) {
      conv[set] = settings[set] === 0 ? undefined : settings[set];
      const content = { [set]: conv[set] ?? null };
      return done(conv, store.change(conv, me, "group_updated", { content }, socket), content);
    }
    if (noScreenshots === undefined) conv.public = desc?.public ?? null;
    else conv.noScreenshots = noScreenshots;
    const content = noScreenshots === undefined ? conv.public : undefined;
    const params = noScreenshots === undefined ? { public: conv.public } : { noScreenshots };
    return done(conv, store.change(conv, me, "room_updated", { content }, socket), params);
  },
};

function join({ store, socket, me }, code) {
  const conv = store.groups().find(({ links }) => links.has(code));
  const link = conv?.links.get(code);
  const opens = link && conv.joinable !== false && link.uses < (link.maxUses ?? Infinity) && !(Date.parse(link.expiresAt) < Date.now());
  if (!opens) throw new Refusal(404, "not_found", "invalid link");
  if (conv.banned.has(me)) throw new Refusal(403, "forbidden", "banned");
  const rev = joined(store, conv, me, me, socket);
  if (rev) link.uses += 1;
  return { params: { conv: conv.id, public: conv.public, rev } };
}

function joined(store, conv, from, user, socket) {
  const rev = store.add(conv, user);
  if (rev) for (const peer of conv.members.keys()) store.tell(peer, { what: "member_joined", conv: conv.id, from, user, rev }, socket);
  return rev;
}

function muted(of, conv, user, until) {
  const member = conv.members.get(above(of, conv, user));
  member.mutedUntil = until;
  member.rev = of.store.change(conv, of.me, "member_muted", { user, content: { until: until ?? null } }, of.socket);
  return done(conv, member.rev, { user, until });
}

function gone({ store, socket, me }, conv, user, what) {
  const rev = store.change(conv, me, what, { user }, socket);
  conv.members.delete(user);
  return done(conv, rev, { user });
}

/** Returns the user if they are a member whom one may manage. */
function above({ me }, conv, user) {
  const member = conv.members.get(user);
  if (!member) throw new Refusal(404, "not_found", "user not a member");
  if (RANK[conv.members.get(me).role] <= RANK[member.role]) throw new Refusal(403, "forbidden", "not allowed");
  return user;
}

function done(conv, rev, fields) {
  return { params: { conv: conv.id, ts: new Date().toISOString(), ...fields, rev } };
}
