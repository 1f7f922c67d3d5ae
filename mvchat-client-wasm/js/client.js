/** A connected user: the package's front. */

import { Contacts } from "./contacts.js";
import { Conversation } from "./conversation.js";
import { ChatError } from "./error.js";
import { Message } from "./message.js";
import { People } from "./people.js";
import { Cell, reportLater } from "./readable.js";

const NO_MARKS = Object.freeze({});

export class Client {
  status = new Cell(Object.freeze({ state: "connecting", synced: false }));
  me = new Cell(undefined);
  conversations = new Cell(Object.freeze([]));
  unread = new Cell(0);
  limits = new Cell(Object.freeze({}));
  outbox = new Cell(Object.freeze([]));

  #link;
  #rooms = new Map();
  #views = new Map();
  #entries = new Map();
  #marks = {};
  #listeners = new Map();
  #countdown;
  #closed = false;
  #people = new People((raw) => this.request(raw), (id) => this.#peopled(id));
  #lent;
  #contacts;

  constructor() {
    const client = this;
    /** What conversations may use. */
    this.#lent = {
      call: (...args) => this.#call(...args),
      request: (raw) => this.request(raw),
      people: this.#people,
      marks: (conv) => this.#marks[conv] ?? NO_MARKS,
      entries: (conv) => [...this.#entries.values()].filter((entry) => entry.conv === conv),
      sending: (entry) => this.#show(this.#keep({ [entry.cid]: { ...entry, state: "queued" } })),
      refused: (entry, error) => this.#show(this.#keep({ [entry.cid]: { ...entry, state: "failed", error: error.plain() } })),
      get me() {
        return client.me.value?.id;
      },
      get limits() {
        return client.limits.value;
      },
    };
    this.#contacts = new Contacts(this.#lent);
  }

  // For `connect`.

  /** Sets the way to the engine. */
  _linked(link) {
    this.#link = link;
  }

  /** There is an engine, the first one or another: begins anew with what it knows. */
  _attached(snapshot) {
    for (const conv of this.#views.keys()) if (!snapshot.views[conv]) snapshot.views[conv] = null;
    // What is on its way to the engine is not in its outbox yet.
    const outbox = Object.fromEntries([...this.#entries.keys()].map((cid) => [cid, null]));
    for (const [cid, entry] of this.#entries) if (entry.state === "queued") delete outbox[cid];
    this._patched({ ...snapshot, outbox: { ...outbox, ...snapshot.outbox } });
    for (const room of this.#rooms.values()) room._room.attached();
  }

  /** Something has changed. */
  _patched({ me, contacts, limits, status, views, marks, timelines, outbox, events }) {
    if (this.#closed) return;
    if (limits) this.limits.set(Object.freeze(limits));
    if (me) this.me.set(Object.freeze(me));
    // First everything is taken over, then it is shown: what belongs together changes in one step.
    const touched = this.#keep(outbox);
    for (const [conv, of] of Object.entries(marks ?? {})) {
      this.#marks[conv] = of;
      touched.add(conv);
    }
    for (const [conv, page] of Object.entries(timelines ?? {})) {
      this.#rooms.get(conv)?._room.paged(page);
      touched.add(conv);
    }
    for (const [conv, view] of Object.entries(views ?? {})) this.#viewed(conv, view, touched);
    if (contacts) this.#contacts.told(contacts);
    if (me || limits) for (const conv of this.#rooms.keys()) touched.add(conv);
    this.#show(touched);
    for (const event of events ?? []) this.#happened(event);
    if (status) this.#setStatus(status);
  }

  // What apps call.

  get contacts() {
    return this.#contacts.want();
  }

  get invites() {
    return this.#contacts.wantInvites();
  }

  conversation(id) {
    if (!this.#rooms.has(id)) {
      const conversation = new Conversation(this.#lent, id);
      this.#rooms.set(id, conversation);
      conversation._room.viewed(this.#views.get(id));
      conversation._room.render();
    }
    return this.#rooms.get(id);
  }

  async dm(user) {
    const { params } = await this.request({ dm: { user } });
    if (params.user) this.#people.learn(params.user);
    return this.#known(params.conv);
  }

  async notes() {
    const { params } = await this.request({ dm: { self: true } });
    return this.#known(params.conv);
  }

  async createGroup({ name, public: profile, members = [] }) {
    const desc = { public: profile ?? { fn: name ?? "" } };
    const { params } = await this.request({ group: { action: "create", id: "new", desc, cid: crypto.randomUUID() } });
    const conversation = await this.#known(params.conv);
    for (const user of members) await conversation.invite(user);
    return conversation;
  }

  /** Joins a group by the code of one of its links. */
  async joinGroup(link) {
    const { params } = await this.request({ group: { action: "join", link } });
    return this.#known(params.conv);
  }

  async search(query, { limit } = {}) {
    const { params } = await this.request({ search: { query, limit } });
    for (const user of params.users) this.#people.learn(user);
    return params.users.map(({ id }) => this.#people.known(id));
  }

  async mentions({ limit } = {}) {
    const { params } = await this.request({ get: { what: "mentions", limit } });
    const known = { me: this.#lent.me, status: "sent", limits: this.#lent.limits };
    return params.mentions.map(({ conv, ...item }) => Message.of(this.conversation(conv), item, known));
  }

  async online() {
    const { params } = await this.request({ get: { what: "online" } });
    return params.users;
  }

  addContact(user) {
    return this.#contacts.add(user);
  }

  removeContact(user) {
    return this.#contacts.remove(user);
  }

  nameContact(user, nickname) {
    return this.#contacts.name(user, nickname);
  }

  createInvite(invite) {
    return this.#contacts.invite(invite);
  }

  revokeInvite(id) {
    return this.#contacts.revoke(id);
  }

  refresh() {
    return this.#contacts.refresh();
  }

  async redeemInvite(code) {
    return this.#known(await this.#contacts.redeem(code));
  }

  user(id) {
    return this.#people.user(id);
  }

  presence(id) {
    return this.#people.presence(id);
  }

  async updateProfile({ public: profile, private: own, email, lang, username, status, privacy }) {
    const desc = profile === undefined && own === undefined ? undefined : { public: profile, private: own };
    const { params = {} } = await this.request({ acc: { user: "me", desc, email, lang, username, status, privacy } });
    const me = { ...this.me.value };
    if ("public" in params) me.public = params.public;
    if ("private" in params) me.private = params.private ?? undefined;
    if ("status" in params) me.status = params.status || undefined;
    if ("privacy" in params) me.privacy = params.privacy;
    await this.#call("profile", [me, params.username]);
  }

  async changePassword(old, password) {
    await this.request({ acc: { user: "me", scheme: "basic", secret: { old, new: password } } });
    await this.#call("profile", [{ ...this.me.value, mustChangePassword: false }]);
  }

  async sessions() {
    return (await this.request({ session: { list: true } })).params.sessions;
  }

  async revokeSession(id) {
    await this.request({ session: { revoke: id } });
  }

  async logout({ all = false } = {}) {
    await this.#call("logout", [all]);
  }

  request(raw) {
    return this.#call("request", [raw]);
  }

  on(event, listener, { signal } = {}) {
    if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
    const listeners = this.#listeners.get(event);
    const own = (detail) => listener(detail);
    listeners.add(own);
    const off = () => void listeners.delete(own);
    signal?.addEventListener("abort", off, { once: true });
    return off;
  }

  retryNow() {
    this.#call("wake", []).catch(() => {});
  }

  async close() {
    if (this.#closed) return;
    this.#setStatus({ state: "ended", synced: false, reason: "closed" });
    this.#closed = true;
    this._cleanUp?.();
    await this.#link.close();
  }

  [Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]() {
    return this.close();
  }

  // Inside.

  #call(method, args, apply) {
    if (this.#closed) return Promise.reject(new ChatError("closed", "the client was closed"));
    return this.#link.call(method, args, apply);
  }

  /** Returns a conversation once its view is here, or after a while without it. */
  async #known(id) {
    const conversation = this.conversation(id);
    if (conversation.info.value) return conversation;
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, 5_000);
      const stop = conversation.info.subscribe(() => {
        clearTimeout(timer);
        stop();
        resolve();
      });
    });
    return conversation;
  }

  #viewed(conv, view, touched) {
    const before = this.#views.get(conv);
    if (view) this.#views.set(conv, view);
    else this.#views.delete(conv);
    // A view repeats what it said about the user long ago; only what it says newly counts.
    if (view?.user && JSON.stringify(view.user) !== JSON.stringify(before?.user)) this.#people.learn(view.user);
    this.#rooms.get(conv)?._room.viewed(view ?? undefined);
    touched.add(conv);
  }

  /** Takes entries of the outbox over, `null` for those that are gone. Returns the conversations that they belong to. */
  #keep(outbox) {
    const touched = new Set();
    for (const [cid, entry] of Object.entries(outbox ?? {})) {
      const { conv } = entry ?? this.#entries.get(cid) ?? {};
      if (conv) touched.add(conv);
      if (entry) this.#entries.set(cid, entry);
      else this.#entries.delete(cid);
    }
    return touched;
  }

  #show(touched) {
    if (touched.size === 0) return;
    for (const conv of touched) this.conversation(conv)._room.render();
    this.#list();
  }

  #peopled(id) {
    this.#contacts?.peopled(id);
    for (const room of this.#rooms.values()) room._room.peopled(id);
    this.#list();
  }

  /** Puts the list of conversations together; whatever has not changed stays the same object. */
  #list() {
    const infos = [...this.#views.keys()].map((conv) => this.conversation(conv).info.value).filter(Boolean);
    infos.sort((a, b) => Number(b.favorite) - Number(a.favorite) || compare(b.lastAt, a.lastAt) || compare(a.id, b.id));
    this.unread.set(infos.reduce((sum, { unread, muted, archived }) => sum + (muted || archived ? 0 : unread), 0));
    const before = this.conversations.value;
    if (infos.length !== before.length || infos.some((info, at) => info !== before[at])) {
      this.conversations.set(Object.freeze(infos));
    }
    this.#listOutbox();
  }

  #listOutbox() {
    const pending = [...this.#entries.values()].filter(({ state }) => state !== "sent");
    const messages = pending.map(({ conv, cid }) => this.conversation(conv)._room.pending(cid)).filter(Boolean);
    const before = this.outbox.value;
    if (messages.length !== before.length || messages.some((message, at) => message !== before[at])) {
      this.outbox.set(Object.freeze(messages));
    }
  }

  #happened(event) {
    const { type, ...detail } = event;
    const room = event.conv && this.conversation(event.conv)._room;
    if (type === "presence") this.#people.moved(event);
    if (type === "typing") room.typed(event.user);
    if (type === "message") room.wrote(event.from);
    if (type === "member") room.joined();
    // Whoever was away follows the messages again.
    if (type === "conversation" && event.change === "added") room.attached();
    const listeners = this.#listeners.get(type);
    if (!listeners?.size) return;
    const told = type === "message" ? room.message(event.seq) : detail;
    if (told?.error) told.error = ChatError.from(told.error);
    for (const listener of listeners) {
      try {
        if (told) listener(told);
      } catch (error) {
        reportLater(error);
      }
    }
  }

  #setStatus({ retryAt, error, ...status }) {
    clearInterval(this.#countdown);
    const failed = error && { error: ChatError.from(error) };
    const synced = status.synced && !this.status.value.synced;
    if (status.state !== "offline") this.status.set(Object.freeze({ ...status, ...failed }));
    else this.#count(status, retryAt);
    if (!synced) return;
    this.#people.again();
    this.#contacts.synced();
    for (const room of this.#rooms.values()) room._room.synced();
  }

  /** Shows how long it takes until the next attempt. */
  #count(status, retryAt) {
    const tick = () => {
      const retryIn = Math.max(0, Math.ceil((retryAt - Date.now()) / 1_000));
      this.status.set(Object.freeze({ ...status, retryAt, retryIn }));
    };
    tick();
    this.#countdown = setInterval(tick, 1_000);
    this.#countdown.unref?.();
  }
}

function compare(a = "", b = "") {
  return a < b ? -1 : a > b ? 1 : 0;
}
