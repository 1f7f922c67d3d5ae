/** The users and conversations of the fake server. */

/** A refusal, as the server says it. */
export class Refusal extends Error {
  constructor(code, err, text) {
    super(text);
    Object.assign(this, { code, err });
  }
}

const OPEN = { lastSeen: "everyone", receipts: "everyone", typing: "everyone", discoverable: "everyone" };

export class FakeStore {
  users = new Map();
  #convs = new Map();
  #push;
  #later = [];
  #touched = 0;
  /** The sessions' refresh tokens: which was used last, and which replaced it. */
  #rows = new Map();
  #given = 0;

  /** @param {(user: string, frame: object, except?: object) => void} push */
  constructor(push) {
    this.#push = push;
  }

  addUser(name, password, profile) {
    const key = name.toLowerCase();
    if ([...this.users.values()].some((user) => user.name === key)) throw new Refusal(409, "exists", "username already taken");
    const user = { id: crypto.randomUUID(), name: key, password, public: profile ?? null, online: false, session: crypto.randomUUID(), contacts: new Map(), invites: new Map(), privacy: { ...OPEN } };
    this.users.set(user.id, user);
    return user;
  }

  user(id) {
    const user = this.users.get(id);
    if (!user) throw new Refusal(404, "not_found", "user not found");
    return user;
  }

  /** A token in the shape of a JWT, without a signature. */
  token(user) {
    const payload = btoa(JSON.stringify({ sub: user, sid: this.user(user).session }));
    return `e30.${payload.replaceAll("=", "").replaceAll("+", "-").replaceAll("/", "_")}.fake`;
  }

  /** A refresh token: good once, and again until one that replaced it is used. A login by name begins a new row. */
  refresh(user, used) {
    const row = used?.split("_")[2] ?? String(this.#rows.size);
    const { used: before, live } = this.#rows.get(row) ?? { live: [] };
    const next = `mvr_${user}_${row}_${(this.#given += 1)}`;
    if (!used || before === used) this.#rows.set(row, { used, live: [...live, next] });
    else if (live.includes(used)) this.#rows.set(row, { used, live: [next] });
    else throw new Refusal(401, "bad_credentials", "invalid token");
    return next;
  }

  byToken(token) {
    if (token.startsWith("mvr_")) return this.user(token.split("_")[1]);
    const user = [...this.users.keys()].find((id) => this.token(id) === token);
    if (!user) throw new Refusal(401, "token_expired", "token expired");
    return this.user(user);
  }

  seen(id, online) {
    Object.assign(this.user(id), { online, lastSeen: new Date().toISOString() });
  }

  item(id) {
    const { public: profile, online, lastSeen = null, status } = this.user(id);
    return { id, public: profile, online, lastSeen, status: status || undefined };
  }

  peers(id) {
    const shared = this.convsOf(id).flatMap((conv) => [...conv.members.keys()]);
    return new Set(shared.filter((peer) => peer !== id));
  }

  convsOf(user) {
    return [...this.#convs.values()].filter((conv) => conv.members.has(user));
  }

  end(conv) {
    this.#convs.delete(conv.id);
  }

  groups() {
    return [...this.#convs.values()].filter(({ type }) => type === "group");
  }

  conv(id, member) {
    const conv = this.#convs.get(id);
    if (!conv || (member && !conv.members.has(member))) throw new Refusal(403, "not_member", "not a member");
    return conv;
  }

  /** Opens the conversation of two users, or of one with themself. */
  dm(a, b) {
    const type = a === b ? "self" : "dm";
    this.user(b);
    const known = this.convsOf(a).find((conv) => conv.type === type && conv.members.has(b));
    return known ? { conv: known, created: false } : { conv: this.addConv(type, [a, b]), created: true };
  }

  addConv(type, users, fields = {}) {
    const conv = { id: crypto.randomUUID(), type, rev: 1, messages: [], members: new Map(), cids: new Map(), changedRev: 1, ...fields };
    this.#convs.set(conv.id, conv);
    for (const user of new Set(users)) this.#join(conv, user, type === "group" ? "owner" : "member", 1);
    for (const user of conv.members.keys()) this.#added(conv, user);
    return conv;
  }

  add(conv, user) {
    if (conv.members.has(user)) return undefined;
    const rev = ++conv.rev;
    this.#join(conv, user, "member", rev);
    this.#added(conv, user);
    return rev;
  }

  #join(conv, user, role, rev) {
    conv.members.set(user, { role, rev, own: 0, readSeq: 0, recvSeq: 0, clearSeq: 0, hidden: [] });
    conv.touched = ++this.#touched;
  }

  #added(conv, user) {
    this.tell(user, { what: "conv_added", conv: conv.id, content: this.view(conv, user) });
  }

  /** Adds a message, once for each `cid`. */
  append(conv, from, { content, cid, replyTo, viewOnce }, except) {
    const key = cid && `${from} ${cid}`;
    if (key && conv.cids.has(key)) return { ...conv.cids.get(key), replay: true };
    const seq = conv.messages.length + 1;
    const rev = ++conv.rev;
    const ts = this.#now();
    const text = typeof content === "string" ? { v: 1, text: content } : content;
    const head = replyTo ? { reply_to: replyTo } : undefined;
    const message = { seq, rev, from, ts, content: text, head, viewOnce };
    conv.messages.push(message);
    conv.touched = ++this.#touched;
    Object.defineProperty(message, "cid", { value: cid, enumerable: false });
    if (key) conv.cids.set(key, { seq, rev, ts });
    const mark = conv.members.get(from);
    if (mark.readSeq === seq - 1) mark.readSeq = mark.recvSeq = seq;
    for (const user of conv.members.keys()) {
      const { viewOnce, ...data } = this.shown(message, user);
      this.later(() => this.#push(user, { data: { conv: conv.id, ...data } }, except));
    }
    return { seq, rev, ts };
  }

  /** The time of a message: no two are the same. */
  #now() {
    this.#time = Math.max(Date.now() * 1_000, this.#time + 1);
    return new Date(this.#time / 1_000).toISOString().replace("Z", `${String(this.#time % 1_000).padStart(3, "0")}Z`);
  }
  #time = 0;

  message(conv, seq) {
    const message = conv.messages[seq - 1];
    if (!message) throw new Refusal(404, "not_found", "message not found");
    return message;
  }

  shown(message, user) {
    return message.from === user && message.cid ? { ...message, cid: message.cid } : { ...message };
  }

  visible(conv, user) {
    const { clearSeq, hidden } = conv.members.get(user);
    return conv.messages.filter(({ seq }) => seq > clearSeq && !hidden.includes(seq)).map((message) => this.shown(message, user));
  }

  /** A shared change: allots its number and tells every member, the requester through its answer. */
  change(conv, from, what, fields, except) {
    const rev = ++conv.rev;
    conv.touched = ++this.#touched;
    for (const user of conv.members.keys()) this.tell(user, { what, conv: conv.id, from, rev, ...fields }, except);
    return rev;
  }

  /** A private change of a member. */
  own(conv, user, fields, except) {
    const member = conv.members.get(user);
    member.own += 1;
    conv.touched = ++this.#touched;
    const { hidden, ...content } = fields;
    this.tell(user, { what: "own", conv: conv.id, own: member.own, hidden, content }, except);
    return member.own;
  }

  tell(user, info, except) {
    this.later(() => this.#push(user, { info: { ts: new Date().toISOString(), ...info } }, except));
  }

  /** Whoever asked is answered before anybody is told. */
  later(tell) {
    this.#later.push(tell);
    queueMicrotask(() => {
      for (const later of this.takeLater()) later();
    });
  }

  takeLater() {
    return this.#later.splice(0);
  }

  view(conv, user) {
    const member = conv.members.get(user);
    const { role, own, readSeq, recvSeq, clearSeq, favorite = false, muted = false, archived = false, blocked = false } = member;
    const unread = this.visible(conv, user).filter((m) => m.seq > readSeq && m.from !== user && !m.deleted).length;
    const other = conv.type === "dm" ? [...conv.members.keys()].find((id) => id !== user) : undefined;
    return {
      id: conv.id, type: conv.type, rev: conv.rev, own, lastSeq: conv.messages.length, readSeq, recvSeq, clearSeq, unread, role,
      favorite, muted, archived, blocked, private: member.private ?? null, lastMsgAt: conv.messages.at(-1)?.ts,
      user: other && this.item(other), public: conv.type === "group" ? conv.public : undefined, pinnedSeq: conv.pinnedSeq,
      disappearingTTL: conv.ttl, noScreenshots: conv.noScreenshots, slowMode: conv.slowMode, joinable: conv.joinable,
      systemMessages: conv.systemMessages || undefined, retention: conv.retention,
    };
  }
}
