/** How the fake server answers. */

import { group } from "./fake-groups.js";
import { contact, contacts, invite, mentions, online } from "./fake-people.js";
import { Refusal } from "./fake-store.js";

const LIMITS = { maxText: 5000, editWindow: 900, unsendWindow: 600, maxEditCount: 10, typingIntervalMs: 2000 };

/** Answers one request of a connection. */
export function answer(store, socket, kind, fields) {
  try {
    if (!socket.user && !["hi", "login", "acc"].includes(kind)) throw new Refusal(401, "unauthenticated", "authentication required");
    const act = REQUESTS[kind];
    if (!act) throw new Refusal(501, "unsupported", "not supported");
    return { code: 200, ...act({ store, socket, me: socket.user }, fields) };
  } catch (error) {
    if (error instanceof Refusal) return { code: error.code, err: error.err, text: error.message };
    throw error;
  }
}

function logIn({ store, socket }, user, { used, refresh = store.refresh(user.id, used) } = {}) {
  socket.user = user.id;
  const { id, session, public: profile, private: own, privacy, status } = user;
  return { user: id, token: store.token(id), refresh: refresh ?? undefined, session, emailVerified: false, desc: { public: profile, private: own }, privacy, status };
}

function secretOf(secret) {
  const text = atob(secret);
  return [text.slice(0, text.indexOf(":")), text.slice(text.indexOf(":") + 1)];
}

const REQUESTS = {
  hi: () => ({ params: { ver: "0.1.0", build: "fake", sid: crypto.randomUUID(), unicode: "17.0", limits: LIMITS, caps: ["cid", "changes", "refresh"] } }),

  login(of, { scheme, secret }) {
    // An access token renews nothing.
    const way = secret.startsWith("mvr_") ? { used: secret } : { refresh: null };
    if (scheme === "token") return { params: logIn(of, of.store.byToken(secret), way) };
    const [name, password] = secretOf(secret);
    const user = [...of.store.users.values()].find((user) => user.name === name.toLowerCase());
    if (user?.password !== password) throw new Refusal(401, "bad_credentials", "invalid credentials");
    return { params: logIn(of, user) };
  },

  acc(of, { user, secret, desc, login, username, status, privacy }) {
    if (user === "new") {
      const [name, password] = secretOf(secret);
      const account = of.store.addUser(name, password, desc?.public);
      if (!login) return { code: 201, params: { user: account.id, emailVerified: false, desc: { public: account.public } } };
      return { code: 201, params: logIn(of, account) };
    }
    const me = of.store.user(of.me);
    const params = {};
    if (desc && "public" in desc) params.public = me.public = desc.public;
    if (desc && "private" in desc) params.private = me.private = desc.private;
    if (status !== undefined) params.status = me.status = status;
    if (privacy) params.privacy = me.privacy = { ...me.privacy, ...privacy };
    if (username) {
      if ([...of.store.users.values()].some((user) => user !== me && user.name === username.toLowerCase())) throw new Refusal(409, "exists", "username already taken");
      me.name = username.toLowerCase();
      params.username = username;
    }
    if (secret) {
      if (secret.old !== me.password) throw new Refusal(403, "forbidden", "incorrect current password");
      me.password = secret.new;
      params.passwordChanged = true;
    }
    return { params };
  },

  logout({ store, me }) {
    store.user(me).session = crypto.randomUUID();
    return { close: 4003 };
  },

  session({ store, me }, { revoke }) {
    const { session: id } = store.user(me);
    const ts = new Date().toISOString();
    return revoke ? {} : { params: { sessions: [{ id, createdAt: ts, lastUsedAt: ts, current: true }] } };
  },

  search({ store, me }, { query, limit = 20 }) {
    const fits = (user) => user.id !== me && (user.public?.fn ?? "").toLowerCase().includes(query.toLowerCase());
    return { params: { users: [...store.users.values()].filter(fits).slice(0, limit).map(({ id }) => store.item(id)) } };
  },

  dm({ store, socket, me }, { user, self, conv: id, disappearingTTL, ...settings }) {
    if (user || self) {
      if (user === me) throw new Refusal(400, "invalid", "cannot DM yourself");
      const { conv, created } = store.dm(me, self ? me : user);
      return { code: created ? 201 : 200, params: { conv: conv.id, created, user: user && store.item(user) } };
    }
    const conv = store.conv(id, me);
    if (disappearingTTL !== undefined) {
      conv.ttl = disappearingTTL || undefined;
      const rev = store.change(conv, me, "disappearing_updated", { ttl: conv.ttl }, socket);
      return { params: { conv: id, disappearingTTL: conv.ttl ?? null, rev } };
    }
    Object.assign(conv.members.get(me), settings);
    return { params: { conv: id, ...settings, own: store.own(conv, me, settings, socket) } };
  },

  group,
  contact,
  invite,

  send({ store, socket, me }, { conv: id, ...message }) {
    const conv = store.conv(id, me);
    if (Date.parse(conv.members.get(me).mutedUntil) > Date.now()) throw new Refusal(403, "muted", "muted");
    return { code: 202, params: { conv: id, ...store.append(conv, me, message, socket) } };
  },

  edit({ store, socket, me }, { conv: id, seq, content }) {
    const conv = store.conv(id, me);
    const message = mine(store.message(conv, seq), me);
    message.content = typeof content === "string" ? { v: 1, text: content } : content;
    message.head = { ...message.head, edit_count: (message.head?.edit_count ?? 0) + 1, edited_at: new Date().toISOString() };
    message.rev = store.change(conv, me, "edit", { seq, content: message.content }, socket);
    return { params: { conv: id, seq, editedAt: message.head.edited_at, rev: message.rev } };
  },

  unsend: (of, fields) => erase(of, fields, "unsend"),

  delete(of, fields) {
    if (fields.forEveryone) return erase(of, fields, "delete");
    const { store, socket, me } = of;
    const conv = store.conv(fields.conv, me);
    conv.members.get(me).hidden.push(fields.seq);
    const own = store.own(conv, me, { hidden: [fields.seq] }, socket);
    return { params: { conv: conv.id, seq: fields.seq, own } };
  },

  react({ store, socket, me }, { conv: id, seq, emoji, op = "add" }) {
    const conv = store.conv(id, me);
    const message = store.message(conv, seq);
    const reactions = { ...message.head?.reactions };
    const users = (reactions[emoji] ?? []).filter((user) => user !== me).concat(op === "add" ? [me] : []);
    if (users.length > 0) reactions[emoji] = users;
    else delete reactions[emoji];
    message.head = { ...message.head, reactions };
    message.rev = store.change(conv, me, "react", { seq, emoji, op, count: users.length }, socket);
    return { params: { conv: id, seq, emoji, op, count: users.length, rev: message.rev, ts: new Date().toISOString() } };
  },

  typing({ store, socket, me }, { conv: id }) {
    for (const user of store.conv(id, me).members.keys()) store.tell(user, { what: "typing", conv: id, from: me }, socket);
    return {};
  },

  read: (of, fields) => mark(of, fields, "read", "readSeq"),
  recv: (of, fields) => mark(of, fields, "recv", "recvSeq"),

  clear({ store, socket, me }, { conv: id, seq }) {
    const conv = store.conv(id, me);
    conv.members.get(me).clearSeq = Math.min(seq, conv.messages.length);
    const { clearSeq } = conv.members.get(me);
    return { params: { conv: id, seq: clearSeq, own: store.own(conv, me, { clearSeq }, socket) } };
  },

  pin({ store, socket, me }, { conv: id, seq }) {
    const conv = store.conv(id, me);
    conv.pinnedSeq = seq || undefined;
    const rev = store.change(conv, me, seq ? "pin" : "unpin", { seq: seq || undefined }, socket);
    return { params: { conv: id, seq: seq || undefined, pinnedAt: seq ? new Date().toISOString() : undefined, rev } };
  },

  get: (of, fields) => ({ params: (GETS[fields.what] ?? unknown)(of, fields) }),
};

const GETS = {
  contacts,
  mentions,
  online,

  user: ({ store }, { user }) => ({ user: store.item(user) }),

  conversations({ store, me }, { since, limit = 100, before }) {
    const cursor = () => String(Math.max(0, ...store.convsOf(me).map(({ touched }) => touched)));
    if (since !== undefined) {
      const touched = store.convsOf(me).filter((conv) => conv.touched > Number(since));
      return { conversations: touched.map((conv) => store.view(conv, me)), since: cursor(), more: false };
    }
    const all = store.convsOf(me).sort((a, b) => b.touched - a.touched).filter(({ touched }) => !before || touched < Number(before));
    const page = all.slice(0, limit);
    const next = all.length > limit ? String(page.at(-1).touched) : undefined;
    return { conversations: page.map((conv) => store.view(conv, me)), next, since: cursor() };
  },

  conversation: ({ store, me }, { conv }) => ({ conversation: store.view(store.conv(conv, me), me) }),

  messages({ store, me }, { conv: id, before, after, limit = 50 }) {
    const conv = store.conv(id, me);
    const { rev } = conv;
    const { own } = conv.members.get(me);
    const all = store.visible(conv, me).filter(({ seq }) => (!before || seq < before) && (!after || seq > after));
    const page = after ? all.slice(0, limit) : all.slice(-limit);
    return { messages: page.reverse(), more: all.length > page.length, rev, own };
  },

  changes({ store, me }, { conv: id, since }) {
    const conv = store.conv(id, me);
    const { own, hidden } = conv.members.get(me);
    const messages = store.visible(conv, me).filter(({ rev }) => rev > since).map((message) => ({ rev: message.rev, message }));
    const members = GETS.members({ store, me }, { conv: id }).members.map((member) => ({ rev: conv.members.get(member.id).rev, member }));
    const items = messages.concat(members.filter(({ rev }) => rev > since), { rev: conv.rev, conversation: store.view(conv, me) });
    return { rev: conv.rev, own, more: false, items: items.sort((a, b) => a.rev - b.rev), hidden };
  },

  members: ({ store, me }, { conv }) => ({
    members: [...store.conv(conv, me).members].map(([id, { role, mutedUntil }]) => ({ ...store.item(id), role, mutedUntil })),
  }),

  receipts: ({ store, me }, { conv }) => ({
    receipts: [...store.conv(conv, me).members].map(([user, { readSeq, recvSeq }]) => ({ user, readSeq, recvSeq })),
  }),
};

function unknown() {
  throw new Refusal(400, "invalid", "unknown what");
}

function mine(message, me) {
  if (message.from !== me) throw new Refusal(403, "forbidden", "not your message");
  if (message.deleted) throw new Refusal(410, "gone", "message deleted");
  return message;
}

function erase({ store, socket, me }, { conv: id, seq }, what) {
  const conv = store.conv(id, me);
  const message = mine(store.message(conv, seq), me);
  message.rev = store.change(conv, me, what, { seq }, socket);
  Object.assign(message, { deleted: true, content: undefined, head: what === "unsend" ? { unsent: true } : undefined });
  return { params: { conv: id, seq, ts: new Date().toISOString(), rev: message.rev } };
}

function mark({ store, socket, me }, { conv: id, seq }, what, name) {
  const conv = store.conv(id, me);
  const member = conv.members.get(me);
  const moved = Math.max(member[name], Math.min(seq, conv.messages.length));
  const news = moved > member[name];
  member[name] = moved;
  member.recvSeq = Math.max(member.recvSeq, moved);
  if (!news) return { params: { conv: id, seq: moved } };
  for (const user of conv.members.keys()) {
    if (user !== me) store.tell(user, { what, conv: id, from: me, seq: moved });
  }
  return { params: { conv: id, seq: moved, own: store.own(conv, me, { [name]: moved }, socket) } };
}
