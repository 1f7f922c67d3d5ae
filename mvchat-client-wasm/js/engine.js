/**
 * The one per account that holds the connection, the core and the storage. Every tab's client talks to it by the same
 * calls and patches, whether it lives in the same tab or in another one; everything that crosses is plain data.
 */

import { ChatError } from "./error.js";
import { Driver, now } from "./socket.js";
import { Model } from "./model.js";
import { Outbox } from "./outbox.js";
import { Marks } from "./marks.js";

/** How many conversations get their newest messages before anyone looks at them. */
const PRELOADED = 30;
const PAGE = 50;
const LAST_PAGE = 20;

export class Engine {
  #options;
  #storage;
  #emit;
  #machine;
  #driver;
  #model;
  #outbox;
  #marks;
  #replies = new Map();
  /** What has happened since the last patch; it is told with what it changed. */
  #news = [];
  #status = { state: "connecting", synced: false };
  #me;
  #contacts;
  #token;
  #name;
  /** Whose storage it is. */
  #before;
  /** How often in a row the server has refused the app's tokens, and the timer until the next one. */
  #refusals = 0;
  #fresh;
  #connected = false;

  /**
   * @param {{ url: string, Machine: any, WebSocket: any, storage: any, options: any, emit: (patch: any) => void }} parts
   */
  constructor({ url, Machine, WebSocket, storage, options, emit }) {
    this.#options = options;
    this.#storage = storage;
    this.#emit = emit;
    this.url = url;
    this.#Machine = Machine;
    this.#WebSocket = WebSocket;
  }
  #Machine;
  #WebSocket;

  /** Reads what an earlier run left, then connects. `login` may be missing; then an earlier one is continued. */
  async start(login) {
    const meta = await this.#storage.all("meta");
    const { getToken } = this.#options;
    const remembered = meta.get("token");
    login ??= getToken ? { token: await this.#fetchToken("start", meta.get("me")) } : undefined;
    login ??= remembered ? { token: remembered } : undefined;
    if (!login) throw new ChatError("no_session", "no way to log in: give getToken, credentials or signUp");
    this.#before = meta.get("me")?.id;
    this.#name = nameOf(login) ?? meta.get("name");
    // What is kept for someone else is not shown, and is deleted only once the login has succeeded.
    const same = this.#name === meta.get("name") && (userOf(login.token) ?? this.#before) === this.#before;
    if (same) [this.#me, this.#contacts] = [meta.get("me"), meta.get("contacts")];
    const settings = {
      login,
      userAgent: this.#options.userAgent ?? "mvchat-client",
      device: this.#options.device ?? "",
      lang: this.#options.lang ?? globalThis.navigator?.language ?? "",
    };
    const [high, low] = crypto.getRandomValues(new Uint32Array(2));
    this.#machine = new this.#Machine(JSON.stringify(settings), high, low, now());
    this.#model = new Model(this.#machine, this.#storage);
    if (same) await this.#model.restore();
    this.#outbox = new Outbox(this.#storage, (call) => this.#act(call), (patch) => this.#tell(patch));
    if (same) await this.#outbox.restore(this.#machine, this.#me?.id);
    this.#marks = new Marks((request) => this.request(request));
    this.#driver = new Driver(this.#machine, this.url, this.#WebSocket, (events) => this.#events(events));
    this.#driver.drain();
  }

  // What clients call.

  /** Everything a new client has to know. */
  attach(login) {
    const name = login && nameOf(login);
    if (name && this.#status.state === "ended") this.#reopen(login);
    else if (name && name !== this.#name) {
      throw new ChatError("conflict", "another tab is logged in as someone else; log out there, or use `account`");
    }
    return {
      status: this.#status,
      me: this.#me,
      contacts: this.#contacts,
      token: this.#token,
      limits: JSON.parse(this.#machine.limits()),
      views: this.#model.views(),
      outbox: this.#outbox.entries(),
      marks: this.#marks.known(),
    };
  }

  /** Begins to follow a conversation's messages; returns those that are here. */
  open(conv) {
    if (this.#model.open(conv)) this.#load(conv);
    return this.#model.timeline(conv);
  }

  /** Loads a page of older messages. */
  async older(conv, limit = PAGE) {
    const { from, loaded } = this.#model.timeline(conv);
    const before = loaded ? { before: from } : {};
    await this.request({ get: { what: "messages", conv, limit, ...before } });
    this.#model.loaded(conv);
    this.#flush([conv]);
    return this.#model.timeline(conv).hasOlder;
  }

  /** Takes a message; it is on the disk when this resolves. */
  send(entry) {
    return this.#outbox.add(entry);
  }

  retry(cid) {
    return this.#outbox.retry(cid);
  }

  discard(cid) {
    return this.#outbox.discard(cid);
  }

  /** Sends one request as it stands on the wire. */
  request(raw) {
    return new Promise((resolve, reject) => {
      const id = this.#act((machine, at) => machine.request(JSON.stringify(raw), at), (id) => {
        this.#replies.set(id, { resolve, reject });
      });
      if (id instanceof ChatError) reject(id);
    });
  }

  typing(conv) {
    this.#act((machine, at) => machine.typing(conv, at));
  }

  read(conv, seq) {
    return this.#marks.move("read", conv, seq);
  }

  /** Asks how far the others are. */
  async receipts(conv) {
    const { params } = await this.request({ get: { what: "receipts", conv, limit: 100 } });
    const marks = this.#marks.learn(conv, params.receipts);
    this.#tell({ marks });
  }

  /** Asks for the user's contacts. */
  async contacts() {
    const { params } = await this.request({ get: { what: "contacts" } });
    this.#contacts = params.contacts;
    // Who is here now says nothing about who is here at the next start.
    this.#store([["meta", "contacts", this.#contacts.map((contact) => ({ ...contact, online: false }))]]);
    this.#tell({ contacts: this.#contacts });
  }

  wake() {
    this.#driver?.wake();
  }

  /** The user's own profile is another one, and perhaps the name to log in with. */
  profile(me, name = this.#name) {
    this.#me = me;
    this.#name = name?.toLowerCase();
    this.#store([["meta", "me", me], ["meta", "name", this.#name]]);
    this.#tell({ me });
  }

  /** Ends the session and forgets everything. */
  async logout(all = false) {
    try {
      await this.request({ logout: all ? { all: true } : {} });
    } catch (error) {
      // The server ends the connection with its answer, so either may come first.
      if (!["disconnected", "ended"].includes(error.code)) throw error;
    }
    await this.#forget();
    this.#act((machine, at) => machine.close(at));
    this.#setStatus({ state: "ended", synced: false, reason: "session" });
  }

  /** Leaves the connection; what waits stays in the storage. */
  async stop() {
    clearTimeout(this.#fresh);
    // Only this tab ends: the others go on with the next engine.
    this.#emit = () => {};
    if (!this.#driver) return this.#storage.close();
    this.#act((machine, at) => machine.close(at));
    this.#driver.stop();
    await this.#outbox.idle();
    await this.#model.save();
    this.#storage.close();
  }

  // What the machine says.

  /** Calls the machine; what it refuses is returned as an error. `between` sees the result before what it causes. */
  #act(call, between) {
    let result;
    try {
      result = call(this.#machine, now());
    } catch (thrown) {
      if (typeof thrown !== "string") throw thrown;
      result = ChatError.from(JSON.parse(thrown));
    }
    if (!(result instanceof ChatError)) between?.(result);
    this.#driver?.drain();
    return result;
  }

  #events(events) {
    const dirty = new Set();
    for (const event of events) {
      if (event.conv) dirty.add(event.conv);
      this.#event(event);
    }
    this.#flush(dirty);
  }

  #event(event) {
    switch (event.type) {
      case "connecting":
        return this.#setStatus({ state: "connecting", synced: false });
      case "connected":
      case "renewed":
        return this.#loggedIn(event);
      case "disconnected":
        return this.#setStatus({ state: "offline", synced: false, retryAt: Date.now() + event.retryIn });
      case "synced":
        return this.#synced();
      case "loginFailed":
        return this.#refused(ChatError.from(event.error));
      case "ended":
        if (event.reason === "session") this.#sessionEnded();
        return this.#setStatus({ state: "ended", synced: false, reason: event.reason });
      case "reply":
        return this.#replied(event);
      case "sendState":
        return this.#outbox.moved(event);
      case "mark":
        return this.#tell({ marks: this.#marks.moved(event) });
      case "reset":
        return this.#model.reset(event.conv);
      case "message":
        if (event.from && event.from !== this.#me?.id) {
          this.#marks.move("recv", event.conv, event.seq).catch(() => {});
          this.#news.push(event);
        }
        return;
      case "changed":
      case "member":
      case "typing":
      case "presence":
        return void this.#news.push(event);
      case "conversation":
        if (event.change === "changed") this.#model.renewed(event.conv);
        else this.#news.push(event);
    }
  }

  #loggedIn({ account }) {
    const { user: id, token, session, mustChangePassword, privacy } = account;
    if (this.#before && this.#before !== id) this.#forget();
    this.#before = id;
    this.#refusals = 0;
    this.#me = { id, public: account.public, private: account.private ?? undefined, status: account.status ?? undefined, privacy, session, mustChangePassword };
    this.#token = token ?? this.#token;
    const writes = [["meta", "me", this.#me], ["meta", "name", this.#name]];
    if (this.#options.remember && token) writes.push(["meta", "token", token]);
    this.#store(writes);
    this.#tell({ me: this.#me, token: this.#token, limits: JSON.parse(this.#machine.limits()) });
    this.#setStatus({ state: "online", synced: this.#machine.isSynced() });
  }

  #synced() {
    this.#setStatus({ state: "online", synced: true });
    this.#tell({ limits: JSON.parse(this.#machine.limits()) });
    this.#model.synced();
    this.#flush(this.#model.convs());
    for (const conv of this.#model.unloaded()) this.#load(conv);
    this.#preload();
    this.#marks.again();
    for (const [conv, seq] of this.#model.unreceived()) this.#marks.move("recv", conv, seq).catch(() => {});
    if (this.#connected) this.#askPresence();
    this.#connected = true;
  }

  /** Changes of presence while away are not told; ask who is here. */
  async #askPresence() {
    try {
      const { params } = await this.request({ get: { what: "conversations", limit: 100 } });
      const users = params.conversations.map(({ user }) => user).filter(Boolean);
      const events = users.map(({ id, online, lastSeen }) => ({ type: "presence", user: id, online, lastSeen }));
      this.#tell({ events });
    } catch {
      // Asked again after the next connection.
    }
  }

  async #load(conv) {
    try {
      await this.request({ get: { what: "messages", conv, limit: PAGE } });
      this.#model.loaded(conv);
      this.#flush([conv]);
    } catch {
      // Asked again when the client is synced.
    }
  }

  /** Fetches the newest messages of the conversations at the top of the list, one after the other. */
  async #preload() {
    for (const conv of this.#model.unknown(PRELOADED)) {
      if (this.#status.state !== "online") return;
      try {
        await this.request({ get: { what: "messages", conv, limit: LAST_PAGE } });
        this.#flush([conv]);
      } catch {
        return;
      }
    }
  }

  #replied({ id, ctrl, error }) {
    const waiting = this.#replies.get(id);
    this.#replies.delete(id);
    if (ctrl) {
      waiting?.resolve(ctrl);
      // What the answer changed in the model may have no event of its own.
      this.#flush(this.#model.opened());
    } else {
      waiting?.reject(ChatError.from(error));
    }
  }

  /** The login was refused: an app that gives tokens is asked for a fresh one, less and less often. */
  async #refused(error) {
    const { getToken } = this.#options;
    if (!getToken) return this.#noLogin(error);
    const wait = Math.min(1_000 * 2 ** this.#refusals++, 60_000) * (this.#refusals > 1);
    if (wait > 0) {
      this.#setStatus({ state: "offline", synced: false, retryAt: Date.now() + wait });
      await new Promise((resolve) => (this.#fresh = setTimeout(resolve, wait)));
    }
    this.#setStatus({ state: "connecting", synced: false });
    try {
      this.#reopen({ token: await getToken("expired") });
    } catch (reason) {
      // Only the app can say that there is no way; anything else may be its network.
      if (reason instanceof ChatError && !reason.retryable) this.#noLogin(reason);
      else this.#refused(error);
    }
  }

  #noLogin(error) {
    this.#sessionEnded();
    this.#setStatus({ state: "ended", synced: false, reason: "login", error: error.plain() });
  }

  /** Asks the app for a token. Without one, whoever was here before still sees what is kept. */
  async #fetchToken(why, known) {
    try {
      return await this.#options.getToken(why);
    } catch (reason) {
      if (!known) throw new ChatError("unauthenticated", `getToken failed: ${reason?.message ?? reason}`);
      return "";
    }
  }

  #reopen(login) {
    this.#name = nameOf(login) ?? this.#name;
    this.#act((machine, at) => machine.reopen(JSON.stringify(login), at));
  }

  /** A token that is refused is of no use to a later run. */
  #sessionEnded() {
    this.#token = undefined;
    this.#store([["meta", "token", undefined]]);
  }

  /** Leaves nothing on this device. */
  async #forget() {
    this.#me = this.#token = this.#before = undefined;
    this.#contacts = [];
    this.#tell({ contacts: this.#contacts });
    this.#outbox.forget();
    this.#tell(this.#model.forget());
    await this.#storage.clear().catch(() => {});
  }

  #store(writes) {
    // A full or broken disk costs what a later start would find, never what is on the screen.
    this.#storage.write(writes).catch(() => {});
  }

  #setStatus(status) {
    this.#status = status;
    this.#tell({ status });
  }

  /** Looks at conversations that have changed and tells what is new. */
  #flush(convs) {
    const patch = this.#model.changes(convs);
    const landed = this.#outbox.landed((conv, seq) => this.#model.holds(conv, seq));
    if (landed) patch.outbox = landed;
    if (this.#news.length > 0) patch.events = this.#news.splice(0);
    this.#tell(patch);
  }

  #tell(patch) {
    for (const _ in patch) return this.#emit(patch);
  }
}

function nameOf(login) {
  return (login.signUp ?? login).user?.toLowerCase();
}

/** Returns whom a token names, as far as it can be read. */
function userOf(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))).sub;
  } catch {
    return undefined;
  }
}
