/** Offline first: what is written is never lost and never doubled, whatever ends. */

import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { test } from "node:test";
import { hasSession, logIn, mortal, online, stage, texts, until, URL_OF_FAKE } from "./support.mjs";

let accounts = 0;

/** A device: what it keeps outlives the clients on it. */
function device(t, extra = {}) {
  const { server, ids } = stage(t);
  const account = `device ${(accounts += 1)}`;
  const options = { WebSocket: server.WebSocket, tabs: "alone", account, remember: true, ...extra };
  const start = (more = {}) => logIn(t, URL_OF_FAKE, { ...options, ...more });
  const credentials = { user: "alice", password: "password" };
  return { server, ids, options, start, first: () => start({ credentials }) };
}

const sent = (server, conv) => texts(server.messages(conv).map(({ content }) => content));

test("what was written offline is on the screen after a reload and arrives once, in order", async (t) => {
  const { server, ids, start, first, options } = device(t);
  const before = await first();
  const room = await before.dm(ids.bob);
  room.send("0");
  await until(room.messages, (messages) => messages[0]?.seq === 1);
  server.down();
  await until(before.status, ({ state }) => state === "offline");
  for (const text of ["1", "2", "3"]) room.send(text);
  await before.close();
  assert.equal(await hasSession(URL_OF_FAKE, options), true);

  const after = await start();
  assert.equal(after.me.value.id, ids.alice);
  assert.deepEqual(after.conversations.value.map(({ title, lastMessage }) => [title, lastMessage.text]), [["bob", "3"]]);
  const again = after.conversation(room.id);
  const kept = await until(again.messages, (messages) => messages.length === 4);
  assert.deepEqual(kept.map(({ text, status }) => [text, status]), [["0", "sent"], ["1", "queued"], ["2", "queued"], ["3", "queued"]]);
  again.send("4");
  server.up();
  after.retryNow();
  await until(again.messages, (messages) => messages.length === 5 && messages.every(({ seq }) => seq));
  assert.deepEqual(texts(again.messages.value), ["0", "1", "2", "3", "4"]);
  assert.deepEqual(sent(server, room.id), ["0", "1", "2", "3", "4"]);
});

test("a crash after the server took a message does not double it", async (t) => {
  const { server, ids, start } = device(t);
  const page = mortal(server.WebSocket);
  const before = await start({ WebSocket: page.WebSocket, credentials: { user: "alice", password: "password" } });
  const room = await before.dm(ids.bob);
  await until(room.timeline, ({ ready }) => ready);
  const arrived = new Promise((resolve) => {
    const push = page.WebSocket.prototype.push;
    page.WebSocket.prototype.push = function (frame) {
      // The server has taken it; its answer never comes.
      if (frame.ctrl?.code === 202) resolve(page.die());
      push.call(this, frame);
    };
  });
  room.send("once");
  await arrived;
  assert.deepEqual(sent(server, room.id), ["once"]);
  const after = await start();
  const again = after.conversation(room.id);
  await until(again.messages, ([message]) => message?.seq === 1);
  await until(after.outbox, (waiting) => waiting.length === 0);
  assert.deepEqual(sent(server, room.id), ["once"]);
  assert.deepEqual(texts(again.messages.value), ["once"]);
});

test("a page that dies right after writing has lost nothing", async (t) => {
  const { server, ids, start } = device(t);
  const page = mortal(server.WebSocket);
  const before = await start({ WebSocket: page.WebSocket, credentials: { user: "alice", password: "password" } });
  const room = await before.dm(ids.bob);
  await until(room.timeline, ({ ready }) => ready);
  page.die();
  for (const text of ["a", "b"]) room.send(text);
  await until(room.messages, ([message]) => message?.status === "sending");
  assert.deepEqual(sent(server, room.id), []);
  const after = await start();
  const again = after.conversation(room.id);
  await until(again.messages, (messages) => messages.length === 2 && messages.every(({ seq }) => seq));
  assert.deepEqual(sent(server, room.id), ["a", "b"]);
});

test("a token that is good once is used once, and renewed by itself over connections and reloads", async (t) => {
  const { server, start, first } = device(t);
  const before = await first();
  for (let round = 0; round < 3; round += 1) {
    server.closeAll();
    await until(before.status, ({ state }) => state !== "online");
    before.retryNow();
    await online(before);
  }
  await before.close();
  const after = await start();
  await online(after);
  const secrets = server.received.filter(({ login }) => login?.scheme === "token").map(({ login }) => login.secret);
  assert.equal(secrets.length, 4);
  assert.ok(secrets.every((secret) => secret.startsWith("mvr_")), "an access token was kept");
  assert.equal(new Set(secrets).size, secrets.length, "a token was used twice");
});

test("a refused message waits for a decision, also over a reload", async (t) => {
  const { server, ids, start, first } = device(t);
  const before = await first();
  const room = await before.dm(ids.bob);
  server.failNext("send", { code: 403, err: "blocked", text: "blocked" });
  room.send("a");
  await until(room.messages, ([message]) => message?.status === "failed");
  await before.close();
  const after = await start();
  await online(after);
  const [failed] = after.outbox.value;
  assert.deepEqual([failed.text, failed.status, failed.error.code], ["a", "failed", "blocked"]);
  await failed.discard();
  await after.close();
  assert.equal((await start()).outbox.value.length, 0);
});

test("offline, what was seen before is shown; a token that is no good asks for a login", async (t) => {
  const { server, ids, start, first } = device(t);
  const before = await first();
  const room = await before.dm(ids.bob);
  for (const text of ["a", "b"]) server.say(ids.bob, ids.alice, text);
  await until(room.messages, (messages) => messages.length === 2);
  await before.close();
  server.down();
  const after = await start();
  const [info] = after.conversations.value;
  assert.deepEqual([info.title, info.unread, info.lastMessage.text, info.user.online], ["bob", 2, "b", false]);
  const { timeline } = after.conversation(room.id);
  await until(timeline, ({ messages, ready }) => ready && messages.length === 2);
  const offline = await until(after.status, ({ state }) => state === "offline");
  assert.ok(offline.retryAt > 0 && offline.retryIn >= 0);
  server.say(ids.bob, ids.alice, "c");
  server.up();
  after.retryNow();
  await until(timeline, ({ messages }) => texts(messages).join("") === "abc");
  await after.logout();
  await assert.rejects(start(), { code: "no_session" });
});

test("offline, the newest messages of conversations that nobody has opened are there too", async (t) => {
  const { server, ids, start, first } = device(t);
  const { conv } = server.say(ids.bob, ids.alice, "1");
  for (let n = 2; n <= 60; n += 1) server.say(ids.bob, ids.alice, String(n));
  const before = await first();
  await online(before);
  await until(before.conversations, ([first]) => first?.lastMessage?.text === "60");
  server.say(ids.bob, ids.alice, "61");
  await until(before.conversations, ([first]) => first?.lastMessage?.text === "61");
  await before.close();
  server.down();
  const after = await start();
  const { messages, hasOlder } = await until(after.conversation(conv).timeline, ({ ready }) => ready);
  assert.deepEqual([texts(messages).slice(-2), hasOlder], [["60", "61"], true]);
});

test("another user on the same device sees nothing of the one before", async (t) => {
  const { server, ids, first, start } = device(t);
  const alice = await first();
  const room = await alice.dm(ids.bob);
  await until(room.timeline, ({ ready }) => ready);
  await alice.close();
  const bob = await start({ credentials: { user: "bob", password: "password" } });
  assert.equal(bob.me.value.id, ids.bob);
  assert.equal(bob.outbox.value.length, 0);
  await online(bob);
  assert.deepEqual(bob.conversations.value.map(({ title }) => title), ["alice"]);
  assert.equal(server.connections, 1);
});

test("the app is asked for a fresh token when the last one is no good", async (t) => {
  const { server, ids, start } = device(t);
  const asked = [];
  const getToken = (why) => {
    asked.push(why);
    return asked.length === 1 ? "stale" : server.token(ids.alice);
  };
  const client = await start({ remember: false, getToken });
  await online(client);
  assert.deepEqual([asked, client.me.value.id], [["start", "expired"], ids.alice]);
});

test("a dead connection is found within a second when someone looks, and nothing is lost", async (t) => {
  const { server, ids, first } = device(t);
  const client = await first();
  const room = await client.dm(ids.bob);
  await until(room.timeline, ({ ready }) => ready);
  server.freeze();
  room.send("into the void");
  server.thaw();
  // The server forgets the connection; the client is not told.
  server.freeze();
  client.retryNow();
  const began = Date.now();
  await until(client.status, ({ state }) => state !== "online", 1_000);
  assert.ok(Date.now() - began < 1_000);
  server.thaw();
  client.retryNow();
  await until(room.messages, ([message]) => message?.seq === 1);
  assert.deepEqual(sent(server, room.id), ["into the void"]);
});

test("an explicit close stays closed", async (t) => {
  const { server, first } = device(t);
  const client = await first();
  await client.close();
  assert.deepEqual([client.status.value.state, client.status.value.reason], ["ended", "closed"]);
  client.retryNow();
  await assert.rejects(client.search("x"), { code: "closed" });
  assert.equal(server.connections, 0);
});

test("200 disconnects lose and double nothing", async (t) => {
  const { server, ids, first } = device(t);
  const client = await first();
  const room = await client.dm(ids.bob);
  const written = [];
  for (let n = 0; n < 200; n += 1) {
    written.push(String(n));
    room.send(String(n));
    if (n % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
    server.closeAll(1006);
    client.retryNow();
  }
  await until(client.status, ({ state }) => (state === "offline" && client.retryNow(), state === "online"), 10_000);
  await until(room.messages, (messages) => messages.length === 200 && messages.every(({ seq }) => seq), 20_000);
  assert.deepEqual(sent(server, room.id), written);
  assert.deepEqual(texts(room.messages.value), written);
});
