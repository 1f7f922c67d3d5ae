/** A small server in memory that speaks the protocol, for tests of apps. */

import { FakeStore } from "./fake-store.js";
import { answer } from "./fake-requests.js";

const OPEN = 1;

export function fakeServer() {
  return new FakeServer();
}

class FakeServer {
  received = [];
  WebSocket;
  #store = new FakeStore((user, frame, except) => this.#push(user, frame, except));
  #sockets = new Set();
  #down = false;
  #frozen = false;
  #failures = [];

  constructor() {
    const server = this;
    this.WebSocket = class {
      onopen = null;
      onmessage = null;
      onclose = null;
      onerror = null;
      readyState = 0;
      user;

      constructor() {
        queueMicrotask(() => server.#opened(this));
      }

      send(text) {
        const frame = JSON.parse(text);
        queueMicrotask(() => server.#frame(this, frame));
      }

      close() {
        server.#gone(this);
      }

      /** Ends it from the server's side. */
      end(code) {
        if (!server.#gone(this)) return;
        queueMicrotask(() => this.onclose?.({ code }));
      }

      push(frame) {
        if (this.readyState === OPEN && !server.#frozen) {
          const data = JSON.stringify(frame);
          queueMicrotask(() => this.readyState === OPEN && this.onmessage?.({ data }));
        }
      }
    };
  }

  get connections() {
    return this.#sockets.size;
  }

  addUser(name, password = "password", profile = { fn: name }) {
    return this.#store.addUser(name, password, profile).id;
  }

  token(user) {
    return this.#store.token(user);
  }

  say(from, to, content) {
    const conv = typeof to === "string" ? this.#store.dm(from, to).conv : this.#store.conv(to.conv);
    const { seq } = this.#store.append(conv, from, { content });
    return { conv: conv.id, seq };
  }

  messages(conv) {
    return this.#store.conv(conv).messages.filter(Boolean);
  }

  down() {
    this.#down = true;
    this.closeAll(1006);
  }

  up() {
    this.#down = false;
  }

  closeAll(code = 1001) {
    for (const socket of [...this.#sockets]) socket.end(code);
  }

  freeze() {
    this.#frozen = true;
  }

  thaw() {
    this.#frozen = false;
  }

  failNext(request, error) {
    this.#failures.push({ request, error });
  }

  #opened(socket) {
    if (this.#frozen) return;
    if (this.#down) return socket.onclose?.({ code: 1006 });
    socket.readyState = OPEN;
    this.#sockets.add(socket);
    socket.onopen?.({});
  }

  /** Takes a socket out; whoever has no other one is away. Returns whether it was there. */
  #gone(socket) {
    socket.readyState = 3;
    if (!this.#sockets.delete(socket)) return false;
    if (socket.user && !this.#online(socket.user)) this.#presence(socket.user, false);
    return true;
  }

  #online(user) {
    return [...this.#sockets].some((socket) => socket.user === user);
  }

  #presence(user, online) {
    this.#store.seen(user, online);
    const frame = { pres: { user, what: online ? "on" : "off", lastSeen: online ? undefined : new Date().toISOString() } };
    for (const peer of this.#store.peers(user)) this.#push(peer, frame);
  }

  #push(user, frame, except) {
    for (const socket of this.#sockets) if (socket.user === user && socket !== except) socket.push(frame);
  }

  #frame(socket, frame) {
    if (this.#frozen || socket.readyState !== OPEN) return;
    this.received.push(frame);
    const { id, ...requests } = frame;
    const [[kind, fields]] = Object.entries(requests);
    const at = this.#failures.findIndex(({ request }) => request === kind);
    const planned = at >= 0 ? this.#failures.splice(at, 1)[0].error : undefined;
    const was = socket.user;
    const { code, text = "ok", err, params, close } = planned ?? answer(this.#store, socket, kind, fields);
    if (id) socket.push({ ctrl: { id, code, text, err, params, ts: new Date().toISOString() } });
    for (const later of this.#store.takeLater()) later();
    if (socket.user !== was) this.#presence(socket.user, true);
    if (close) queueMicrotask(() => socket.end(close));
  }
}
