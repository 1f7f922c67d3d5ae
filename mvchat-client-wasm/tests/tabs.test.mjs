/** Several tabs share one connection and one writer. */

import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { test } from "node:test";
import { mortal, online, stage, texts, until } from "./support.mjs";

/** The platform's locks, as far as they are used: one holder, then the next in line. */
class Locks {
  #queues = new Map();

  /** The tab that holds a lock dies: the platform gives it to the next in line. */
  pass(name) {
    const queue = this.#queues.get(name);
    queue.shift();
    queue[0]?.();
  }

  request(name, { signal }, hold) {
    return new Promise((resolve, reject) => {
      const queue = this.#queues.get(name) ?? [];
      this.#queues.set(name, queue);
      const run = async () => {
        try {
          resolve(await hold());
        } catch (error) {
          reject(error);
        }
        if (queue[0] !== run) return;
        queue.shift();
        queue[0]?.();
      };
      signal?.addEventListener("abort", () => {
        const at = queue.indexOf(run);
        if (at > 0) queue.splice(at, 1);
        reject(signal.reason);
      });
      queue.push(run);
      if (queue.length === 1) queueMicrotask(run);
    });
  }
}

const locks = new Locks();
Object.defineProperty(globalThis, "navigator", { value: { locks, language: "en" }, configurable: true });

/** The platform's channels, which can die with their tab. */
const channels = [];
globalThis.BroadcastChannel = class extends BroadcastChannel {
  dead = false;

  constructor(name) {
    super(name);
    channels.push(this);
  }

  postMessage(message) {
    if (!this.dead) super.postMessage(message);
  }

  die() {
    this.dead = true;
    this.onmessage = null;
  }
};

let origins = 0;

function origin(t) {
  const { server, ids, log } = stage(t);
  const account = `origin ${(origins += 1)}`;
  const tab = (options = {}) => log("alice", { storage: "indexeddb", tabs: "shared", account, ...options });
  return { server, ids, tab };
}

test("two tabs have one connection and see the same", async (t) => {
  const { server, ids, tab } = origin(t);
  const [first, second] = [await tab(), await tab()];
  await online(second);
  assert.equal(server.connections, 1);
  assert.equal(second.me.value.id, ids.alice);
  const room = await second.dm(ids.bob);
  const other = first.conversation(room.id);
  await until(other.timeline, ({ ready }) => ready);
  const mine = room.send("from the second");
  assert.equal(mine.status, "queued");
  await until(other.messages, ([message]) => message?.text === "from the second" && message.seq === 1);
  await until(room.messages, ([message]) => message?.seq === 1);
  server.say(ids.bob, ids.alice, "hello both");
  for (const messages of [room.messages, other.messages]) await until(messages, (list) => list.length === 2);
  await until(second.unread, (unread) => unread === 1);
  await first.conversation(room.id).markRead();
  await until(second.unread, (unread) => unread === 0);
  await assert.rejects(second.request({ get: { what: "user", user: room.id } }), { code: "not_found", status: 404 });
});

test("when the tab with the connection goes, the other goes on", async (t) => {
  const { server, ids, tab } = origin(t);
  const [first, second] = [await tab(), await tab({ credentials: undefined })];
  const room = await second.dm(ids.bob);
  await until(room.timeline, ({ ready }) => ready);
  room.send("1");
  await until(room.messages, ([message]) => message?.seq === 1);
  const states = new Set();
  second.status.subscribe(({ state }) => states.add(state));
  const closing = first.close();
  for (const text of ["2", "3"]) room.send(text);
  await closing;
  await until(room.messages, (messages) => messages.length === 3 && messages.every(({ seq }) => seq));
  assert.deepEqual(texts(server.messages(room.id).map(({ content }) => content)), ["1", "2", "3"]);
  assert.equal(server.connections, 1);
  assert.equal(second.status.value.state, "online");
  assert.ok(!states.has("ended"));
  server.say(ids.bob, ids.alice, "4");
  await until(room.messages, (messages) => messages.length === 4);
});

test("when the tab with the connection dies, what the other wrote meanwhile arrives once", async (t) => {
  const { server, ids, tab } = origin(t);
  const page = mortal(server.WebSocket);
  const first = await tab({ WebSocket: page.WebSocket });
  const [channel] = channels.slice(-1);
  const second = await tab({ credentials: undefined });
  const room = await second.dm(ids.bob);
  await until(room.timeline, ({ ready }) => ready);
  room.send("1");
  await until(room.messages, ([message]) => message?.seq === 1);
  page.die();
  room.send("2");
  await until(room.messages, (messages) => messages[1]?.status === "sending");
  channel.die();
  room.send("3");
  locks.pass(channel.name);
  await until(room.messages, (messages) => messages.length === 3 && messages.every(({ seq }) => seq));
  assert.deepEqual(texts(server.messages(room.id).map(({ content }) => content)), ["1", "2", "3"]);
  assert.equal(first.conversation(room.id).id, room.id);
});

test("a tab that logs in as someone else is told so", async (t) => {
  const { tab } = origin(t);
  await tab();
  await assert.rejects(tab({ credentials: { user: "bob", password: "password" } }), { code: "conflict" });
});

test("closing a tab without the connection leaves the others alone", async (t) => {
  const { server, tab } = origin(t);
  const [first, second] = [await tab(), await tab()];
  await second.close();
  assert.deepEqual([first.status.value.state, server.connections], ["online", 1]);
  await first.close();
  assert.equal(server.connections, 0);
});

test("after a logout the next login works in every tab", async (t) => {
  const { server, ids, tab } = origin(t);
  const [first, second] = [await tab(), await tab()];
  await first.logout();
  await until(second.status, ({ state }) => state === "ended");
  const third = await tab({ credentials: { user: "bob", password: "password" } });
  assert.equal(third.me.value.id, ids.bob);
  await online(third);
  assert.equal(first.me.value.id, ids.bob);
  assert.equal(server.connections, 1);
});

test("logging out in one tab ends the session in all", async (t) => {
  const { tab } = origin(t);
  const [first, second] = [await tab(), await tab()];
  await second.logout();
  await until(first.status, ({ state, reason }) => state === "ended" && reason === "session");
  await until(second.status, ({ state, reason }) => state === "ended" && reason === "session");
});
