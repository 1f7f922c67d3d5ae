/** How the fake server keeps contacts and invites, and who is here. */

import { Refusal } from "./fake-store.js";

const WEEK = 7 * 24 * 60 * 60 * 1_000;

export function contact({ store, me }, { add, remove, user, nickname }) {
  if (add) {
    if (add === me) throw new Refusal(400, "invalid", "cannot add yourself");
    const { public: profile } = store.user(add);
    befriend(store, me, add, "manual");
    return { params: { user: add, public: profile } };
  }
  if (!store.user(me).contacts.has(remove ?? user)) throw new Refusal(404, "not_found", "contact not found");
  if (!remove) {
    store.user(me).contacts.get(user).nickname = nickname ?? undefined;
    return { params: { user, nickname } };
  }
  store.user(me).contacts.delete(remove);
  store.users.get(remove)?.contacts.delete(me);
  return { params: { user: remove } };
}

function befriend(store, one, other, source) {
  const createdAt = new Date().toISOString();
  for (const [of, user] of [[one, other], [other, one]]) {
    const { contacts } = store.user(of);
    if (!contacts.has(user)) contacts.set(user, { user, source, createdAt });
  }
}

export function contacts({ store, me }) {
  const all = [...store.user(me).contacts.values()].reverse();
  return {
    contacts: all.map((contact) => {
      const { id, ...shown } = store.item(contact.user);
      return { ...contact, ...shown };
    }),
  };
}

export function online({ store, me }) {
  const near = new Set([...store.user(me).contacts.keys(), ...store.peers(me)]);
  return { users: [...near].filter((id) => store.item(id).online) };
}

export function mentions({ store, me }, { limit = 50 }) {
  const found = store.convsOf(me).flatMap((conv) =>
    store.visible(conv, me)
      .filter(({ content }) => content?.mentions?.some(({ userId }) => userId === me))
      .map((message) => ({ conv: conv.id, ...message })),
  );
  return { mentions: found.sort((a, b) => (a.ts < b.ts ? 1 : -1)).slice(0, limit) };
}

export function invite({ store, me }, { create, list, revoke, redeem }) {
  const { invites } = store.user(me);
  if (create) {
    const now = Date.now();
    const [createdAt, expiresAt] = [now, now + WEEK].map((at) => new Date(at).toISOString());
    const made = { id: crypto.randomUUID(), code: crypto.randomUUID(), email: create.email, name: create.name ?? null, status: "pending", createdAt, expiresAt };
    invites.set(made.id, made);
    const { status, createdAt: _, ...params } = made;
    return { code: 201, params };
  }
  if (list) return { params: { invites: [...invites.values()].reverse() } };
  if (revoke) {
    if (invites.get(revoke)?.status !== "pending") throw new Refusal(404, "not_found", "invite not found");
    invites.delete(revoke);
    return { params: { id: revoke } };
  }
  return redeemed(store, me, redeem);
}

function redeemed(store, me, code) {
  for (const { id: inviter, invites, public: profile } of store.users.values()) {
    const invite = [...invites.values()].find((invite) => invite.code === code && invite.status === "pending");
    if (!invite || inviter === me) continue;
    Object.assign(invite, { status: "used", code: undefined, usedAt: new Date().toISOString(), usedBy: me });
    befriend(store, inviter, me, "invite");
    return { params: { inviter, inviterPublic: profile, conv: store.dm(inviter, me).conv.id } };
  }
  throw new Refusal(404, "not_found", "invalid invite code");
}
