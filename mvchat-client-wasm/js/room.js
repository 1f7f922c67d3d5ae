/** What a client knows of one conversation, kept up to date by the engine's patches. */

import { Message } from "./message.js";
import { Cell } from "./readable.js";

/** For how long someone who is writing is shown, without a new sign of it. */
const TYPING_FOR = 5_000;
const EMPTY = Object.freeze({ messages: Object.freeze([]), hasOlder: true, loading: false, ready: false });

export class Room {
  info = new Cell(undefined);
  timeline = new Cell(EMPTY);
  members = new Cell(Object.freeze([]));
  receipts = new Cell(Object.freeze([]));
  typing = new Cell(Object.freeze([]));

  #client;
  #conversation;
  #id;
  #view;
  /** Messages that the server has, by number, and in order as long as they have not changed. */
  #items = new Map();
  #sorted;
  /** Snapshots by key, with what they were made of. */
  #made = new Map();
  #from = 0;
  #page = { hasOlder: true, ready: false };
  #opening;
  #loading = 0;
  #wantsMembers = false;
  #wantsReceipts = false;
  #hasReceipts = false;
  #typing = new Map();

  constructor(client, conversation) {
    this.#client = client;
    this.#conversation = conversation;
    this.#id = conversation.id;
  }

  /** Follows the messages, from the first call on. */
  open() {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  async #open() {
    this.wantReceipts();
    await this.#client.call("open", [this.#id], (page) => this.#replace(page)).catch(() => (this.#opening = undefined));
  }

  /** There is another engine, or a new connection. */
  attached() {
    if (!this.#opening) return;
    this.#opening = undefined;
    this.open();
  }

  /** Everything is up to date again: asks for what could not be fetched. */
  synced() {
    if (this.#opening) this.#opening.then(() => this.#opening ?? this.open());
    if (this.#wantsMembers) this.askMembers();
    if (this.#wantsReceipts) this.askReceipts();
  }

  async older(limit) {
    this.#load(1);
    try {
      return await this.#client.call("older", limit === undefined ? [this.#id] : [this.#id, limit]);
    } finally {
      this.#load(-1);
    }
  }

  #load(change) {
    this.#loading += change;
    this.render();
  }

  /** Tells whether a message may be among the older ones. */
  reaches(seq) {
    return seq > 0 && (this.#from === 0 || seq < this.#from) && this.timeline.value.hasOlder;
  }

  message(seq) {
    const last = this.#lastMessage();
    return last?.seq === seq ? last : this.timeline.value.messages.find((message) => message.seq === seq);
  }

  /** Returns the snapshot of a message of the outbox. */
  pending(cid) {
    return this.#made.get(cid)?.message;
  }

  send(entry) {
    this.#client.sending(entry);
    this.#client.call("send", [entry]).catch((error) => this.#client.refused(entry, error));
    return this.#made.get(entry.cid).message;
  }

  // What the engine says; it is shown with the next `render`.

  viewed(view) {
    this.#view = view;
    if (view) return;
    this.#items.clear();
    this.#sorted = undefined;
  }

  paged({ messages, removed, ...page }) {
    if (!this.#opening) return;
    for (const seq of removed) this.#items.delete(seq);
    for (const item of messages) this.#items.set(item.seq, item);
    this.#turned(page);
  }

  #replace({ messages, ...page }) {
    this.#items = new Map(messages.map((item) => [item.seq, item]));
    this.#turned(page);
    this.render();
  }

  #turned({ from, hasOlder, ready }) {
    this.#sorted = undefined;
    this.#from = from;
    this.#page = { hasOlder, ready };
  }

  wrote(user) {
    if (this.#typing.has(user)) this.#stopped(user);
  }

  typed(user) {
    clearTimeout(this.#typing.get(user));
    const timer = setTimeout(() => this.#stopped(user), TYPING_FOR);
    timer.unref?.();
    this.#typing.set(user, timer);
    if (!this.typing.value.includes(user)) this.typing.set([...this.#typing.keys()]);
  }

  #stopped(user) {
    clearTimeout(this.#typing.get(user));
    this.#typing.delete(user);
    this.typing.set([...this.#typing.keys()]);
  }

  joined() {
    if (this.#wantsMembers) this.askMembers();
    if (this.#wantsReceipts) this.askReceipts();
  }

  // What is asked for only when someone looks.

  wantMembers() {
    if (this.#wantsMembers) return;
    this.#wantsMembers = true;
    this.askMembers();
  }

  wantReceipts() {
    if (this.#wantsReceipts) return;
    this.#wantsReceipts = true;
    this.askReceipts();
  }

  async askMembers() {
    try {
      const { params } = await this.#client.request({ get: { what: "members", conv: this.#id } });
      const { people } = this.#client;
      // Of members nobody says what their status is.
      for (const member of params.members) people.learn({ ...member, status: people.known(member.id)?.status });
      this.#roles = params.members.map(({ id, role, mutedUntil }) => ({ id, role, mutedUntil }));
      this.peopled();
    } catch {
      // Asked again when the client is synced.
    }
  }
  #roles = [];

  async askReceipts() {
    try {
      await this.#client.call("receipts", [this.#id]);
      this.#hasReceipts = true;
      this.render();
    } catch {
      // Asked again when the client is synced.
    }
  }

  /** Someone's profile or presence is another one. */
  peopled(id) {
    const { people } = this.#client;
    if (!id || this.#roles.some((member) => member.id === id)) {
      const members = this.#roles.map(({ id, ...rest }) => ({ ...people.known(id), ...rest }));
      if (members.length > 0 || this.members.value.length > 0) this.members.set(members);
    }
    if (this.#view?.user && (!id || this.#view.user.id === id)) this.render();
  }

  // What apps see.

  render() {
    const kept = this.#made;
    this.#made = new Map();
    const messages = this.#messages(kept);
    this.#renderTimeline(messages);
    this.#renderInfo(kept);
    this.#renderReceipts();
  }

  #messages(kept) {
    const status = this.#statuses();
    this.#sorted ??= [...this.#items.values()].sort((a, b) => a.seq - b.seq);
    const messages = this.#sorted.map((item) => this.#make(kept, item, status(item)));
    for (const entry of this.#client.entries(this.#id)) {
      if (entry.seq === undefined || !this.#items.has(entry.seq)) messages.push(this.#makePending(kept, entry));
    }
    return messages;
  }

  #renderTimeline(messages) {
    if (!this.#opening) return;
    const before = this.timeline.value;
    const unchanged =
      before.messages.length === messages.length && messages.every((message, at) => message === before.messages[at]);
    const loading = this.#loading > 0;
    const { hasOlder, ready } = this.#page;
    if (unchanged && before.loading === loading && before.hasOlder === hasOlder && before.ready === ready) return;
    this.timeline.set({ messages: unchanged ? before.messages : messages, hasOlder, loading, ready });
  }

  #renderInfo(kept) {
    const view = this.#view;
    if (!view) return this.info.set(undefined);
    const pending = this.#client.entries(this.#id).at(-1);
    const user = view.user && (this.#client.people.known(view.user.id) ?? view.user);
    const lastMessage = this.#lastMessage(kept, pending);
    const info = {
      id: view.id,
      type: view.type,
      title: nameOf(view.public) || user?.nickname || nameOf(user?.public),
      public: view.public,
      user,
      role: view.role,
      unread: view.unread,
      lastMessage,
      lastAt: pending ? later(pending.at, view.lastMsgAt) : view.lastMsgAt,
      lastSeq: view.lastSeq,
      readSeq: view.readSeq,
      recvSeq: view.recvSeq,
      clearSeq: view.clearSeq,
      favorite: view.favorite,
      muted: view.muted,
      archived: view.archived,
      blocked: view.blocked,
      private: view.private ?? undefined,
      disappearingTTL: view.disappearingTTL,
      pinnedSeq: view.pinnedSeq,
      noScreenshots: view.noScreenshots === true,
      slowMode: view.slowMode,
      joinable: view.joinable !== false,
      systemMessages: view.systemMessages === true,
      retention: view.retention,
    };
    const before = this.info.value;
    if (before && Object.keys(info).every((key) => Object.is(before[key], info[key]))) return;
    this.info.set(info);
  }

  #renderReceipts() {
    const all = this.#client.marks(this.#id);
    if (all === this.#shown) return;
    this.#shown = all;
    this.receipts.set(Object.entries(all).map(([user, marks]) => ({ user, ...marks })));
  }
  #shown;

  #lastMessage(kept = this.#made, pending) {
    if (pending) return this.#makePending(kept, pending);
    const last = this.#view?.last;
    return last && this.#make(kept, this.#items.get(last.seq) ?? last, this.#statuses()(last));
  }

  /** Returns the snapshot of a message: the same one as before if nothing has changed. */
  #make(kept, item, status) {
    const key = item.seq;
    const { me, limits } = this.#client;
    const made = this.#made.get(key) ?? kept.get(key);
    const same = made && made.status === status && made.limits === limits && made.me === me;
    if (same && (made.item === item || (made.item.rev === item.rev && made.item.seq === item.seq && !item.head?.reply))) {
      this.#made.set(key, made);
      return made.message;
    }
    const message = Message.of(this.#conversation, item, { me, status, limits });
    this.#made.set(key, { item, status, limits, me, message });
    return message;
  }

  #makePending(kept, entry) {
    const made = this.#made.get(entry.cid) ?? kept.get(entry.cid);
    const { me } = this.#client;
    const { state, seq, error } = made?.entry ?? {};
    const same = made && state === entry.state && seq === entry.seq && error === entry.error;
    const fresh = same ? made : { entry, message: Message.pending(this.#conversation, entry, me) };
    this.#made.set(entry.cid, fresh);
    return fresh.message;
  }

  /** Returns how far a message is, from how far all the others are. */
  #statuses() {
    const { me } = this.#client;
    const marks = Object.entries(this.#client.marks(this.#id)).filter(([user]) => user !== me);
    // Of a group's members some may be missing as long as they were not asked for.
    const known = marks.length > 0 && (this.#hasReceipts || this.#view?.type === "dm");
    const lowest = (mark) => (known ? Math.min(...marks.map(([, marks]) => marks[mark])) : 0);
    const [read, received] = [lowest("readSeq"), lowest("recvSeq")];
    return ({ from, seq }) => (from !== me || seq > received ? "sent" : seq > read ? "delivered" : "read");
  }
}

function nameOf(profile) {
  return typeof profile?.fn === "string" ? profile.fn : "";
}

function later(a, b) {
  return b === undefined || Date.parse(a) > Date.parse(b) ? a : b;
}
