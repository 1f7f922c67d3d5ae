/** What the core knows, in the form in which clients get it, and the part of it that outlives the page. */

/** How many of a conversation's messages are kept for the next start. */
const KEPT = 50;
const SAVE_AFTER = 500;

export class Model {
  #machine;
  #storage;
  /** Views with the newest message in `last`. */
  #views = new Map();
  /** Conversations that someone looks at. */
  #timelines = new Map();
  #unsaved = new Set();
  /** How far the messages of conversations that nobody looks at were known when they were last compared. */
  #seen = new Map();
  #saving;
  /** The views are an earlier run's: what the core does not know is not gone. */
  #cached = false;

  constructor(machine, storage) {
    this.#machine = machine;
    this.#storage = storage;
  }

  async restore() {
    this.#views = await this.#storage.all("views");
    // Who was here then says nothing about who is here now.
    for (const { user } of this.#views.values()) if (user) user.online = false;
    this.#cached = true;
    this.#kept = await this.#storage.all("messages");
  }
  #kept = new Map();

  views() {
    return Object.fromEntries(this.#views);
  }

  convs() {
    return new Set([...this.#views.keys(), ...this.#machine.conversations()]);
  }

  opened() {
    return this.#timelines.keys();
  }

  /** Every conversation that the user is in is known now. */
  synced() {
    this.#cached = false;
  }

  /** Begins to follow a conversation. Returns whether its newest page is to be loaded. */
  open(conv) {
    if (this.#timelines.has(conv)) return false;
    const kept = this.#kept.get(conv);
    const messages = new Map(kept?.messages.map((message) => [message.seq, message]));
    this.#timelines.set(conv, {
      messages,
      from: kept?.from ?? 0,
      hasOlder: kept?.hasOlder ?? true,
      ready: kept !== undefined,
      loaded: false,
    });
    return true;
  }

  timeline(conv) {
    const { messages, ...rest } = this.#timelines.get(conv) ?? { messages: new Map(), from: 0, hasOlder: true };
    return { ...rest, messages: [...messages.values()] };
  }

  /** A page of history came: the core's messages stand for the conversation from now on. */
  loaded(conv) {
    const timeline = this.#timelines.get(conv);
    if (!timeline || timeline.loaded) return;
    timeline.loaded = timeline.ready = true;
    timeline.fresh = true;
  }

  /** The core forgets the messages and asks anew; numbers of changes may mean something else afterwards. */
  reset(conv) {
    const timeline = this.#timelines.get(conv);
    if (timeline?.loaded) timeline.doubtful = true;
  }

  /** The core has a new view of the conversation, which is the last that comes after a reset. */
  renewed(conv) {
    const timeline = this.#timelines.get(conv);
    if (!timeline?.doubtful) return;
    timeline.doubtful = false;
    timeline.fresh = true;
  }

  /** Returns the newest messages that the server does not know to be here. */
  unreceived() {
    const behind = [...this.#views].filter(([, { lastSeq, recvSeq }]) => lastSeq > recvSeq);
    return behind.map(([conv, { lastSeq }]) => [conv, lastSeq]);
  }

  /** Returns the conversations that someone looks at and whose newest page never came. */
  unloaded() {
    return [...this.#timelines].filter(([, timeline]) => !timeline.loaded).map(([conv]) => conv);
  }

  /** Returns the newest conversations of whose messages the core has none. */
  unknown(most) {
    const lacking = ([conv, view]) => {
      const index = this.#machine.index(conv);
      return index !== undefined && index.length === 1 && view.lastSeq > view.clearSeq;
    };
    const newest = [...this.#views].sort(([, a], [, b]) => ((a.lastMsgAt ?? "") < (b.lastMsgAt ?? "") ? 1 : -1));
    return newest.slice(0, most).filter(lacking).map(([conv]) => conv);
  }

  /** Tells whether the core has a message, or will never show it, so that it is not shown from elsewhere any more. */
  holds(conv, seq) {
    if (this.#timelines.get(conv)?.loaded === false) return false;
    const index = this.#machine.index(conv);
    if (!index) return true;
    for (let at = index.length - 2; at >= 1; at -= 2) if (index[at] <= seq) return index[at] === seq || at < index.length - 2;
    return false;
  }

  /** Compares conversations with what was told of them. Returns the patch. */
  changes(convs) {
    const patch = {};
    for (const conv of convs) {
      const view = this.#machine.view(conv);
      if (view === undefined) this.#gone(conv, patch);
      else this.#changed(conv, view, patch);
    }
    return patch;
  }

  forget() {
    const patch = {};
    this.#cached = false;
    for (const conv of [...this.#views.keys()]) this.#gone(conv, patch);
    this.#kept.clear();
    this.#timelines.clear();
    return patch;
  }

  /** Writes down what has changed since the last time. */
  async save() {
    clearTimeout(this.#saving);
    this.#saving = undefined;
    const writes = [];
    for (const conv of this.#unsaved) {
      writes.push(["views", conv, this.#views.get(conv)]);
      const timeline = this.#timelines.get(conv);
      if (!this.#views.has(conv)) writes.push(["messages", conv, undefined]);
      else if (timeline?.loaded) writes.push(["messages", conv, kept(timeline)]);
      else if (!timeline) this.#keepUnopened(conv, writes);
    }
    this.#unsaved.clear();
    try {
      await this.#storage.write(writes);
    } catch {
      // Only a cache: the next start asks the server.
    }
  }

  /** Nobody has looked at the conversation, but its newest messages are here: the next start can show them. */
  #keepUnopened(conv, writes) {
    const index = this.#machine.index(conv) ?? [];
    if (index.length <= 1) return;
    const { clearSeq } = this.#views.get(conv);
    const from = index[0];
    const seqs = [];
    for (let at = 1; at < index.length; at += 2) if (index[at] >= from) seqs.push(index[at]);
    const messages = new Map(this.#fetch(conv, seqs.slice(-KEPT)).map((message) => [message.seq, message]));
    const cut = messages.size < seqs.length;
    if (messages.size > 0) writes.push(["messages", conv, kept({ messages, from: cut ? seqs.at(-KEPT) : from, hasOlder: cut || from > clearSeq + 1 })]);
  }

  #gone(conv, patch) {
    if (this.#cached || !this.#views.delete(conv)) return;
    this.#timelines.delete(conv);
    this.#unsaved.add(conv);
    this.#saveSoon();
    (patch.views ??= {})[conv] = null;
  }

  #changed(conv, text, patch) {
    const index = this.#machine.index(conv);
    const known = this.#views.get(conv);
    const last = this.#last(conv, index, known?.last, JSON.parse(text));
    const view = { ...JSON.parse(text), last };
    if (!known || !same(known, view)) {
      this.#views.set(conv, view);
      this.#unsaved.add(conv);
      this.#saveSoon();
      (patch.views ??= {})[conv] = view;
    }
    const timeline = this.#timelines.get(conv);
    if (timeline?.loaded) return this.#compare(conv, index, timeline, view.clearSeq, patch);
    let newest = 0;
    for (let at = 2; at < index.length; at += 2) newest = Math.max(newest, index[at]);
    const seen = `${index.length} ${newest}`;
    if (index.length === 1 || this.#seen.get(conv) === seen) return;
    this.#seen.set(conv, seen);
    this.#unsaved.add(conv);
    this.#saveSoon();
  }

  /** Finds the newest message. An earlier run's is good as long as it is still the newest. */
  #last(conv, index, known, view) {
    if (index.length === 1) return known && known.seq === view.lastSeq && known.seq > view.clearSeq ? known : undefined;
    const [seq, rev] = index.slice(-2);
    if (known && known.seq === seq && known.rev === rev) return known;
    return this.#fetch(conv, [seq])[0];
  }

  #compare(conv, index, timeline, clearSeq, patch) {
    const { messages } = timeline;
    const from = index[0];
    const seqs = new Set();
    const wanted = [];
    for (let at = 1; at < index.length; at += 2) {
      if (index[at] < from) continue;
      seqs.add(index[at]);
      if (timeline.fresh || messages.get(index[at])?.rev !== index[at + 1]) wanted.push(index[at]);
    }
    const removed = [...messages.keys()].filter((seq) => !seqs.has(seq));
    const hasOlder = from > clearSeq + 1;
    const moved = timeline.hasOlder !== hasOlder || timeline.fresh;
    if (wanted.length === 0 && removed.length === 0 && !moved) return;
    const found = this.#fetch(conv, wanted);
    for (const seq of removed) messages.delete(seq);
    for (const message of found) messages.set(message.seq, message);
    Object.assign(timeline, { from, hasOlder, fresh: false });
    this.#unsaved.add(conv);
    this.#saveSoon();
    (patch.timelines ??= {})[conv] = { messages: found, removed, from, hasOlder, ready: true, loaded: true };
  }

  #fetch(conv, seqs) {
    return seqs.length === 0 ? [] : JSON.parse(this.#machine.messages(conv, new Float64Array(seqs)));
  }

  #saveSoon() {
    this.#saving ??= setTimeout(() => this.save(), SAVE_AFTER);
    this.#saving?.unref?.();
  }
}

/** The newest messages, for the next start. */
function kept({ messages, from, hasOlder }) {
  const newest = [...messages.values()].sort((a, b) => a.seq - b.seq).slice(-KEPT);
  const cut = newest.length < messages.size;
  return { messages: newest, from: cut ? newest[0].seq : from, hasOlder: hasOlder || cut };
}

function same(a, b) {
  const keys = Object.keys(b);
  if (Object.keys(a).length !== keys.length) return false;
  return keys.every((key) => Object.is(a[key], b[key]) || JSON.stringify(a[key]) === JSON.stringify(b[key]));
}
