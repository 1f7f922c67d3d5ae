/** The API, against the fake server. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatError, connect, firstGraphemes, graphemes, isSingleGrapheme, online, stage, texts, until, URL_OF_FAKE } from "./support.mjs";

test("a wrong password is refused with the server's word for it", async (t) => {
  const { log } = stage(t);
  await assert.rejects(log("alice", { credentials: { user: "alice", password: "wrong" } }), (error) => {
    assert.ok(error instanceof ChatError);
    assert.deepEqual([error.code, error.status, error.retryable], ["bad_credentials", 401, false]);
    return true;
  });
});

test("without any way to log in, and without a server, it says so", async (t) => {
  const { server, log } = stage(t);
  await assert.rejects(log("alice", { credentials: undefined }), { code: "no_session" });
  server.down();
  await assert.rejects(log("alice"), { code: "offline" });
  await assert.rejects(connect(URL_OF_FAKE, { WebSocket: server.WebSocket, signal: AbortSignal.abort(new Error("no")) }), /no/);
});

test("signing up makes an account and logs in", async (t) => {
  const { log } = stage(t);
  const options = { credentials: undefined, signUp: { user: "dave", password: "password", public: { fn: "Dave" } } };
  const dave = await log("dave", options);
  assert.deepEqual(dave.me.value.public, { fn: "Dave" });
  assert.equal(dave.status.value.state, "online");
  await assert.rejects(log("eve", options), { code: "exists", status: 409 });
});

test("a message goes from queued to read, and is one object until it changes", async (t) => {
  const { ids, log } = stage(t);
  const [alice, bob] = [await log("alice"), await log("bob")];
  const room = await alice.dm(ids.bob);
  await until(room.timeline, ({ ready }) => ready);
  const states = [];
  room.messages.subscribe((messages) => states.push(messages.map(({ status }) => status).join()));
  const got = new Promise((resolve) => bob.on("message", resolve));
  const mine = room.send("hello");
  assert.deepEqual([mine.status, mine.text, mine.mine, mine.seq], ["queued", "hello", true, undefined]);
  const theirs = await got;
  assert.deepEqual([theirs.text, theirs.mine, theirs.from], ["hello", false, ids.alice]);
  await until(room.messages, ([message]) => message.status === "delivered");
  const info = await until(bob.conversations, ([first]) => first?.unread === 1);
  assert.deepEqual([info[0].title, info[0].lastMessage.text, info[0].type], ["alice", "hello", "dm"]);
  await bob.conversation(room.id).markRead();
  const [read] = await until(room.messages, ([message]) => message.status === "read");
  assert.equal(bob.unread.value, 0);
  assert.equal(read.key, mine.key);
  assert.equal(read, room.messages.value[0]);
  assert.deepEqual([...new Set(states)], ["queued", "sending", "sent", "delivered", "read"]);
});

test("messages are edited, reacted to, taken back and deleted", async (t) => {
  const { ids, log } = stage(t);
  const [alice, bob] = [await log("alice"), await log("bob")];
  const room = await alice.dm(ids.bob);
  for (const text of ["one", "two", "three"]) room.send(text);
  const list = await until(room.messages, (messages) => messages.length === 3 && messages.every(({ seq }) => seq));
  const other = bob.conversation(room.id);
  await until(other.messages, (messages) => messages.length === 3);
  assert.ok(list[0].editableUntil > Date.now() && list[0].unsendableUntil < list[0].editableUntil);
  assert.equal(other.messages.value[0].editableUntil, 0);

  await list[0].edit("ONE");
  const [edited] = await until(other.messages, ([first]) => first.text === "ONE");
  assert.equal(edited.editCount, 1);
  await other.react(1, "👍");
  const [liked] = await until(room.messages, ([first]) => first.reactions.length === 1);
  assert.deepEqual(liked.reactions, [{ emoji: "👍", users: [ids.bob], mine: false }]);
  await other.react(1, "👍");
  await until(room.messages, ([first]) => first.reactions.length === 0);
  await list[1].unsend();
  await until(other.messages, ([, second]) => second.unsent && second.deleted && second.text === "");
  await list[2].delete();
  await until(room.messages, (messages) => messages.length === 2);
  assert.equal(other.messages.value.length, 3);
  await assert.rejects(other.edit(1, "not mine"), { code: "forbidden" });
});

test("a reply, mentions and own fields of the content arrive as they were sent", async (t) => {
  const { ids, log } = stage(t);
  const [alice, bob] = [await log("alice"), await log("bob")];
  const room = await alice.dm(ids.bob);
  const mentions = [{ userId: ids.bob, username: "bob", offset: 3, length: 4 }];
  room.send("first");
  room.send({ text: "hi @bob", mood: "hungry" }, { replyTo: 1, mentions });
  const [, second] = await until(bob.conversation(room.id).messages, (messages) => messages.length === 2);
  assert.equal(second.replyTo, 1);
  assert.deepEqual(second.content, { v: 1, text: "hi @bob", mood: "hungry", mentions });
});

test("older messages come page by page, and only what changes is another object", async (t) => {
  const { server, ids, log } = stage(t);
  const { conv } = server.say(ids.bob, ids.alice, "1");
  for (let n = 2; n <= 130; n += 1) server.say(ids.bob, ids.alice, String(n));
  const alice = await log("alice");
  const room = alice.conversation(conv);
  const first = await until(room.timeline, ({ ready }) => ready);
  assert.deepEqual([first.messages.length, first.messages.at(-1).text, first.hasOlder], [50, "130", true]);
  assert.equal(await room.loadOlder(), true);
  assert.equal(room.messages.value.length, 100);
  assert.equal(room.messages.value.at(-1), first.messages.at(-1));
  assert.equal((await room.jumpTo(3)).text, "3");
  assert.equal(room.timeline.value.hasOlder, false);
  assert.deepEqual(texts(room.messages.value), Array.from({ length: 130 }, (_, at) => String(at + 1)));
  assert.equal(await room.jumpTo(999), undefined);
});

test("a group has members with roles, who come and go", async (t) => {
  const { ids, log } = stage(t);
  const [alice, bob] = [await log("alice"), await log("bob")];
  const room = await alice.createGroup({ name: "Friends", members: [ids.bob] });
  assert.equal(room.info.value.title, "Friends");
  await until(bob.conversations, ([group]) => group?.title === "Friends");
  const members = await until(room.members, (members) => members.length === 2);
  assert.deepEqual(members.map(({ id, role }) => [id, role]), [[ids.alice, "owner"], [ids.bob, "member"]]);
  await room.setRole(ids.bob, "admin");
  await until(room.members, (members) => members[1]?.role === "admin");
  await until(bob.conversation(room.id).info, (info) => info.role === "admin");
  await room.update({ public: { fn: "Best friends" } });
  await until(bob.conversations, ([group]) => group.title === "Best friends");
  await room.invite(ids.carol);
  await until(room.members, (members) => members.length === 3);
  await room.kick(ids.bob);
  await until(bob.conversations, (list) => list.length === 0);
  assert.equal(bob.conversation(room.id).info.value, undefined);
  await room.transfer(ids.carol);
  await room.leave();
  await until(alice.conversations, (list) => list.length === 0);
});

test("who was removed and comes back sees the messages again", async (t) => {
  const { ids, log } = stage(t);
  const [alice, bob] = [await log("alice"), await log("bob")];
  const room = await alice.createGroup({ name: "Friends", members: [ids.bob] });
  const other = bob.conversation(room.id);
  room.send("1");
  await until(other.messages, (messages) => messages.length === 1);
  await room.kick(ids.bob);
  await until(other.info, (info) => info === undefined);
  assert.equal(other.messages.value.length, 0);
  await room.invite(ids.bob);
  room.send("2");
  await until(other.messages, (messages) => messages.length === 2);
});

test("what came while away is received, and read only by reading", async (t) => {
  const { server, ids, log } = stage(t);
  const alice = await log("alice");
  const room = await alice.dm(ids.bob);
  room.send("hello");
  await until(room.messages, ([message]) => message?.status === "sent");
  const bob = await log("bob");
  await until(room.messages, ([message]) => message.status === "delivered");
  assert.equal(bob.unread.value, 1);
  assert.deepEqual(server.received.filter((frame) => frame.read), []);
});

test("typing and presence are seen by the other", async (t) => {
  const { ids, log } = stage(t);
  const alice = await log("alice");
  const room = await alice.dm(ids.bob);
  const presence = alice.presence(ids.bob);
  assert.equal(presence.value.online, false);
  const bob = await log("bob");
  await until(presence, ({ online }) => online);
  assert.equal(room.info.value.user.online, true);
  bob.conversation(room.id).setTyping();
  await until(room.typing, (users) => users[0] === ids.bob);
  bob.conversation(room.id).send("done");
  await until(room.typing, (users) => users.length === 0);
  await bob.close();
  assert.equal(bob.status.value.state, "ended");
  const gone = await until(presence, ({ online }) => !online);
  assert.ok(Date.parse(gone.lastSeen) > 0);
});

test("settings change the list", async (t) => {
  const { server, ids, log } = stage(t);
  const alice = await log("alice");
  const [bobs, carols] = [await alice.dm(ids.bob), await alice.dm(ids.carol)];
  server.say(ids.bob, ids.alice, "a");
  server.say(ids.carol, ids.alice, "b");
  await until(alice.conversations, (list) => list.length === 2 && list[0].id === carols.id && alice.unread.value === 2);
  await bobs.set({ favorite: true });
  await until(alice.conversations, (list) => list[0].id === bobs.id);
  await bobs.set({ muted: true });
  await until(alice.unread, (unread) => unread === 1);
  await bobs.set({ archived: true, private: { color: "red" } });
  await until(bobs.info, ({ archived, private: own }) => archived && own.color === "red");
  await bobs.clear();
  await until(bobs.info, ({ unread, lastMessage }) => unread === 0 && lastMessage === undefined);
});

test("notes, search, profile, sessions, raw requests and limits", async (t) => {
  const { ids, log } = stage(t);
  const alice = await log("alice");
  const notes = await alice.notes();
  assert.equal(notes.info.value.type, "self");
  assert.deepEqual((await alice.search("bo")).map(({ id }) => id), [ids.bob]);
  await alice.updateProfile({ public: { fn: "Alice B." } });
  assert.deepEqual(alice.me.value.public, { fn: "Alice B." });
  await alice.changePassword("password", "another password");
  await assert.rejects(alice.changePassword("password", "x"), { code: "forbidden" });
  assert.equal((await alice.sessions())[0].current, true);
  assert.equal((await until(alice.user(ids.carol), Boolean)).public.fn, "carol");
  const reply = await alice.request({ get: { what: "user", user: ids.bob } });
  assert.deepEqual([reply.code, reply.params.user.id], [200, ids.bob]);
  await assert.rejects(alice.request({ no: {} }), { code: "invalid" });
  assert.equal(alice.limits.value.editWindow, 900);
});

test("a refused message can be sent again or thrown away", async (t) => {
  const { server, ids, log } = stage(t);
  const alice = await log("alice");
  const room = await alice.dm(ids.bob);
  await until(room.timeline, ({ ready }) => ready);
  const told = new Promise((resolve) => alice.on("failed", resolve));
  server.failNext("send", { code: 403, err: "blocked", text: "blocked" });
  room.send("a");
  const [failed] = await until(room.messages, ([first]) => first?.status === "failed");
  assert.deepEqual([failed.error.code, (await told).error.code], ["blocked", "blocked"]);
  assert.equal(alice.outbox.value[0], failed);
  await failed.retry();
  const [sent] = await until(room.messages, ([first]) => first?.seq === 1);
  assert.equal(sent.key, failed.key);
  assert.equal(alice.outbox.value.length, 0);
  server.failNext("send", { code: 400, err: "invalid_content", text: "no", params: { path: "text", rule: "too_long" } });
  room.send("b");
  const [, second] = await until(room.messages, (list) => list[1]?.status === "failed");
  assert.deepEqual([second.error.path, second.error.rule], ["text", "too_long"]);
  assert.equal(await second.discard(), true);
  await until(room.messages, (messages) => messages.length === 1);
  assert.equal(await sent.discard(), false);
});

test("a readable can be iterated, and leaves out what came between", async (t) => {
  const { server, ids, log } = stage(t);
  const alice = await log("alice");
  const { conv } = server.say(ids.bob, ids.alice, "1");
  const { messages } = alice.conversation(conv);
  const seen = [];
  for await (const list of messages) {
    seen.push(list.length);
    if (list.length === 3) break;
    if (list.length === 1) for (const text of ["2", "3"]) server.say(ids.bob, ids.alice, text);
  }
  assert.equal(seen.at(-1), 3);
});

test("text is counted in Unicode 17 grapheme clusters", async (t) => {
  await stage(t).log("alice");
  assert.deepEqual([graphemes("héllo 👨‍👩‍👧🇯🇵"), firstGraphemes("👨‍👩‍👧🇯🇵x", 2)], [8, "👨‍👩‍👧🇯🇵"]);
  assert.deepEqual([isSingleGrapheme("👍🏽"), isSingleGrapheme("ab")], [true, false]);
});

test("logging out ends the session and forgets the device", async (t) => {
  const { log } = stage(t);
  const alice = await log("alice");
  await alice.logout();
  assert.deepEqual([alice.status.value.state, alice.status.value.reason], ["ended", "session"]);
  assert.equal(alice.conversations.value.length, 0);
  await assert.rejects(alice.search("x"), { code: "ended" });
  await online(await log("alice"));
});

test("groups are managed: links, bans, muted members, slow mode", async (t) => {
  const { ids, log } = stage(t);
  const [alice, bob] = [await log("alice"), await log("bob")];
  const group = await alice.createGroup({ name: "Friends" });
  const { code } = await group.createLink({ maxUses: 2 });
  const theirs = await bob.joinGroup(code);
  await until(group.members, (members) => members.length === 2);
  await group.mute(ids.bob, new Date(Date.now() + 60_000));
  await until(group.members, (members) => members.some(({ mutedUntil }) => mutedUntil));
  theirs.send("nothing");
  const [refused] = await until(bob.outbox, ([message]) => message?.status === "failed");
  assert.equal(refused.error.code, "muted");
  await group.update({ slowMode: 10, joinable: false });
  await until(theirs.info, ({ slowMode, joinable }) => slowMode === 10 && !joinable);
  await group.ban(ids.bob);
  await until(bob.conversations, (list) => list.length === 0);
  await group.update({ joinable: true });
  await assert.rejects(bob.joinGroup(code), { code: "forbidden" });
  await group.unban(ids.bob);
  await bob.joinGroup(code);
  assert.equal((await group.links())[0].uses, 2);
  await group.revokeLink(code);
  assert.deepEqual(await group.links(), []);
  await group.update({ systemMessages: true });
  await group.setRetention(60);
  await until(theirs.info, ({ systemMessages, retention }) => systemMessages && retention === 60);
  await group.deleteGroup();
  for (const client of [alice, bob]) await until(client.conversations, (list) => list.length === 0);
});

test("a contact's nickname is their name, in every list", async (t) => {
  const { server, ids, log } = stage(t);
  const alice = await log("alice");
  const room = await alice.dm(ids.bob);
  await alice.addContact(ids.bob);
  await alice.nameContact(ids.bob, "Bobsie");
  assert.deepEqual(alice.contacts.value.map(({ id, nickname }) => [id, nickname]), [[ids.bob, "Bobsie"]]);
  await until(alice.conversations, ([first]) => first.title === "Bobsie" && first.user.nickname === "Bobsie");
  const bob = await log("bob");
  await bob.updateProfile({ public: { fn: "Robert" } });
  await until(alice.presence(ids.bob), ({ online }) => online);
  assert.equal(room.info.value.title, "Bobsie");
  await until(bob.contacts, (all) => all?.length === 1);
  await alice.removeContact(ids.bob);
  await until(room.info, ({ title }) => title === "bob" || title === "Robert");
  server.closeAll();
  await until(bob.contacts, (all) => all.length === 0);
});
