/** The package against the real server, over real sockets. */

import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { WebSocket } from "ws";
import { logIn, online, root, texts, until } from "./support.mjs";

const BINARY = process.env.MVCHAT_SERVER ?? join(root, "target", "debug", "mvchat");
const PASSWORD = "correct horse battery";
const closed = (child) => new Promise((resolve) => child.once("exit", resolve));

/** Starts the server on a free port, or on the one it had. */
async function start(folder, store, listen = "127.0.0.1:0") {
  // A test does in seconds what people do in minutes.
  const env = { ...process.env, MVCHAT_LIMITS_RATES: "none" };
  const child = spawn(BINARY, ["serve", "--store", store, "--data-dir", folder, "--listen", listen], { stdio: ["ignore", "pipe", "pipe"], env });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
  }
  child.stderr.resume();
  for await (const line of createInterface({ input: child.stdout })) {
    const address = /http:\/\/(\S+)/.exec(line)?.[1];
    if (address) {
      child.stdout.resume();
      return { child, address, url: `ws://${address}/v0/ws` };
    }
  }
  throw new Error("the server did not come up");
}

async function server(t, store = "memory") {
  const folder = mkdtempSync(join(tmpdir(), "mvchat-"));
  const running = await start(folder, store);
  const all = [running.child];
  t.after(async () => {
    for (const child of all.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)) {
      child.kill("SIGKILL");
      await closed(child);
    }
    rmSync(folder, { recursive: true, force: true });
  });
  const signUp = (user, more = {}) =>
    logIn(t, running.url, { WebSocket, account: user, tabs: "alone", signUp: { user, password: PASSWORD, public: { fn: user } }, ...more });
  const restart = async () => {
    const [last] = all.slice(-1);
    last.kill("SIGKILL");
    await closed(last);
    all.push((await start(folder, store, running.address)).child);
  };
  return { ...running, signUp, restart };
}

test("everything that a chat does", async (t) => {
  const { signUp } = await server(t);
  const [alice, bob] = [await signUp("alice"), await signUp("bobby")];
  await Promise.all([online(alice), online(bob)]);
  const me = { alice: alice.me.value.id, bob: bob.me.value.id };
  assert.deepEqual((await alice.search("bob")).map(({ id }) => id), [me.bob]);

  const room = await alice.dm(me.bob);
  const other = bob.conversation(room.id);
  for (const text of ["one", "two", "three"]) room.send(text);
  await until(room.messages, (messages) => messages.length === 3 && messages.every(({ status }) => status === "delivered"));
  assert.deepEqual(texts(await until(other.messages, (messages) => messages.length === 3)), ["one", "two", "three"]);
  await other.markRead();
  await until(room.messages, (messages) => messages.every(({ status }) => status === "read"));

  await room.edit(1, "ONE");
  await other.react(1, "👍", true);
  await room.unsend(2);
  await room.delete(3);
  const [first, second] = await until(room.messages, (messages) => messages.length === 2 && messages[0].reactions.length === 1);
  assert.deepEqual([first.text, first.reactions[0].users, second.unsent], ["ONE", [me.bob], true]);
  await until(other.messages, ([first, second, third]) => first.text === "ONE" && second.unsent && third.text === "three");
  other.setTyping();
  await until(room.typing, ([user]) => user === me.bob);
  other.send({ text: "@alice look" }, { replyTo: 1, mentions: [{ userId: me.alice, offset: 0, length: 6 }] });
  const reply = (await until(room.messages, (messages) => messages.length === 3)).at(-1);
  assert.deepEqual([reply.replyTo, reply.mentions[0].userId], [1, me.alice]);
  await room.pin(1);
  await until(other.info, ({ pinnedSeq }) => pinnedSeq === 1);
  await room.set({ favorite: true, muted: true });
  await until(room.info, ({ favorite, muted }) => favorite && muted);
  await room.set({ blocked: true });
  other.send("refused");
  const failed = await until(bob.outbox, ([message]) => message?.status === "failed");
  assert.equal(failed[0].error.code, "blocked");
  await room.set({ blocked: false });
  await failed[0].retry();
  await until(other.messages, (messages) => messages.at(-1).text === "refused" && messages.at(-1).seq);
  assert.equal((await alice.notes()).info.value.type, "self");
});

test("groups, members and roles", async (t) => {
  const { signUp } = await server(t);
  const [alice, bob, carol] = await Promise.all([signUp("alice"), signUp("bobby"), signUp("carol")]);
  const [b, c] = [bob.me.value.id, carol.me.value.id];
  const group = await alice.createGroup({ name: "Team", members: [b, c] });
  await until(bob.conversations, ([first]) => first?.title === "Team");
  await until(group.members, (members) => members.length === 3);
  await group.setRole(b, "admin");
  await until(bob.conversation(group.id).info, ({ role }) => role === "admin");
  await bob.conversation(group.id).update({ public: { fn: "The team" } });
  await until(group.info, ({ title }) => title === "The team");
  carol.conversation(group.id).send("hello");
  await until(group.messages, ([message]) => message?.text === "hello");
  await group.kick(c);
  await until(carol.conversations, (list) => list.length === 0);
  await assert.rejects(carol.conversation(group.id).edit(1, "x"), { code: "not_member", status: 403 });
  await group.transfer(b);
  await group.leave();
  await until(alice.conversations, (list) => list.length === 0);
});

test("contacts, invites, mentions, and who is here", async (t) => {
  const { signUp } = await server(t);
  const [alice, bob, carol] = await Promise.all([signUp("alice"), signUp("bobby"), signUp("carol")]);
  const [a, b, c] = [alice, bob, carol].map((client) => client.me.value.id);
  await until(alice.contacts, (all) => all?.length === 0);
  await alice.addContact(b);
  await alice.nameContact(b, "Bobsie");
  const room = await alice.dm(b);
  await until(room.info, ({ title, user }) => title === "Bobsie" && user.nickname === "Bobsie");
  await until(bob.contacts, (all) => all?.length === 1 && all[0].id === a && all[0].nickname === undefined);
  await alice.nameContact(b, null);
  await until(room.info, ({ title }) => title === "bobby");

  const invite = await alice.createInvite({ email: "Carol@example.com", name: "Carol" });
  assert.deepEqual([invite.email, invite.name, invite.status], ["carol@example.com", "Carol", "pending"]);
  const other = await carol.redeemInvite(invite.code);
  assert.equal(other.info.value.user.id, a);
  await until(alice.invites, (all) => all?.[0].usedBy === c && all[0].status === "used");
  await assert.rejects(carol.redeemInvite(invite.code), { code: "not_found" });
  const again = await alice.createInvite({ email: "dave@example.com" });
  assert.equal(alice.invites.value.length, 2);
  await alice.revokeInvite(again.id);
  assert.equal(alice.invites.value.length, 1);

  assert.deepEqual(new Set(await alice.online()), new Set([b, c]));
  room.send("@bob look", { mentions: [{ userId: b, offset: 0, length: 4 }] });
  await until(room.messages, ([message]) => message?.seq);
  const [mention] = await bob.mentions({ limit: 5 });
  assert.deepEqual([mention.conv, mention.text, mention.mine], [room.id, "@bob look", false]);
  await alice.removeContact(b);
  assert.deepEqual(alice.contacts.value.map(({ id, source }) => [id, source]), [[c, "invite"]]);
});

test("privacy, a status, another user name, and a password that must change", async (t) => {
  const { url, signUp } = await server(t);
  const [alice, bob] = [await signUp("alice"), await signUp("bobby")];
  const room = await alice.dm(bob.me.value.id);
  await bob.updateProfile({ status: "Sailing", privacy: { typing: "nobody", receipts: "contacts" } });
  assert.deepEqual(bob.me.value.privacy, { lastSeen: "everyone", receipts: "contacts", typing: "nobody", discoverable: "everyone" });
  assert.equal(bob.me.value.status, "Sailing");
  const again = await logIn(t, url, { WebSocket, account: "other", tabs: "alone", credentials: { user: "bobby", password: PASSWORD } });
  assert.deepEqual([again.me.value.status, again.me.value.privacy.typing], ["Sailing", "nobody"]);
  const [found] = await alice.search("bobby");
  assert.equal(found.status, "Sailing");
  await bob.updateProfile({ privacy: { discoverable: "nobody" } });
  assert.deepEqual(await alice.search("bobby"), []);
  await assert.rejects(bob.updateProfile({ username: "alice" }), { code: "exists" });
  await bob.updateProfile({ username: "robert", status: "" });
  assert.equal(bob.me.value.status, undefined);
  await logIn(t, url, { WebSocket, account: "third", tabs: "alone", credentials: { user: "Robert", password: PASSWORD } });

  const { code } = await alice.createInvite({ email: "carol@example.com" });
  const carol = await signUp("carol", { signUp: { user: "carol", password: code, inviteCode: code } });
  assert.equal(carol.me.value.mustChangePassword, true);
  await assert.rejects(carol.search("alice"), { code: "forbidden" });
  assert.equal(carol.status.value.synced, false);
  await carol.changePassword(code, PASSWORD);
  await online(carol);
  assert.equal(carol.me.value.mustChangePassword, false);
  await until(carol.conversations, (list) => list.length === 1);
  assert.equal(room.info.value.title, "bobby");
});

test("links, bans, muted members and slow mode", async (t) => {
  const { signUp } = await server(t);
  const [alice, bob, carol] = await Promise.all([signUp("alice"), signUp("bobby"), signUp("carol")]);
  const [b, c] = [bob.me.value.id, carol.me.value.id];
  const group = await alice.createGroup({ name: "Team" });
  const link = await group.createLink({ expiresIn: 3_600, maxUses: 2 });
  assert.deepEqual([link.conv, link.uses, link.maxUses], [group.id, 0, 2]);
  const theirs = await bob.joinGroup(link.code);
  assert.equal(theirs.info.value.title, "Team");
  await until(group.members, (all) => all.length === 2);
  assert.deepEqual((await group.links()).map(({ code, uses }) => [code, uses]), [[link.code, 1]]);
  await assert.rejects(theirs.links(), { code: "forbidden" });

  await group.mute(b, Date.now() + 3_600_000);
  await until(group.members, (all) => all.some(({ id, mutedUntil }) => id === b && mutedUntil));
  theirs.send("nothing");
  const [silenced] = await until(bob.outbox, ([message]) => message?.status === "failed");
  assert.equal(silenced.error.code, "muted");
  await group.unmute(b);
  await until(group.members, (all) => all.every(({ mutedUntil }) => !mutedUntil));
  await silenced.retry();
  await until(group.messages, ([message]) => message?.text === "nothing");

  await group.update({ slowMode: 30, joinable: false });
  await until(theirs.info, ({ slowMode, joinable }) => slowMode === 30 && !joinable);
  await assert.rejects(carol.joinGroup(link.code), { code: "not_found" });
  await group.update({ slowMode: null, joinable: true });
  await until(theirs.info, ({ slowMode, joinable }) => slowMode === undefined && joinable);

  await group.ban(b);
  await until(bob.conversations, (list) => list.length === 0);
  await assert.rejects(bob.joinGroup(link.code), { code: "forbidden" });
  await group.unban(b);
  await bob.joinGroup(link.code);
  await until(bob.conversations, (list) => list.length === 1);
  await group.revokeLink(link.code);
  assert.deepEqual(await group.links(), []);
  await assert.rejects(carol.joinGroup(link.code), { code: "not_found" });
  await group.invite(c);
  await until(group.members, (all) => all.length === 3);
});

test("what a group tells, what does not stay, and the end of a group", async (t) => {
  const { signUp } = await server(t);
  const [alice, bob] = [await signUp("alice"), await signUp("bobby")];
  const [a, b] = [alice.me.value.id, bob.me.value.id];
  const group = await alice.createGroup({ name: "Team" });
  await group.update({ systemMessages: true });
  await group.setRetention(86_400);
  await until(group.info, ({ systemMessages, retention }) => systemMessages && retention === 86_400);
  await group.invite(b);
  const [told] = await until(group.messages, (messages) => messages.length === 1);
  assert.deepEqual([told.event, told.from, told.mine], [{ what: "member_joined", by: a, user: b }, undefined, false]);
  const theirs = bob.conversation(group.id);
  await until(bob.conversations, ([first]) => first?.unread === 0 && first.retention === 86_400);
  group.send("gone soon", { expiresIn: 10 });
  const [, soon] = await until(theirs.messages, (messages) => messages.length === 2);
  assert.ok(Date.parse(soon.expiresAt) > Date.now());
  // What forgets everything keeps no reports either.
  await assert.rejects(soon.report("It is an advertisement."), { code: "unsupported" });
  await until(theirs.messages, (messages) => messages[1]?.expired && messages[1].text === "", 50_000);
  await assert.rejects(theirs.deleteGroup(), { code: "forbidden" });
  await group.deleteGroup();
  for (const client of [alice, bob]) await until(client.conversations, (list) => list.length === 0);
});

test("a server that is killed and comes back has everything, once", async (t) => {
  const { signUp, restart } = await server(t, "sled");
  const [alice, bob] = [await signUp("alice"), await signUp("bobby")];
  const room = await alice.dm(bob.me.value.id);
  const written = [];
  const write = () => {
    written.push(String(written.length));
    room.send(written.at(-1));
  };
  for (let n = 0; n < 20; n += 1) write();
  await until(room.messages, (messages) => messages.some(({ seq }) => seq === 5));
  const back = restart();
  for (let n = 0; n < 20; n += 1) write();
  await back;
  alice.retryNow();
  bob.retryNow();
  await until(room.messages, (messages) => messages.length === 40 && messages.every(({ seq }) => seq), 20_000);
  const got = await until(bob.conversation(room.id).messages, (messages) => messages.length === 40, 20_000);
  assert.deepEqual(texts(got), written);
});

test("a remembered session goes on, and ends when it is logged out", async (t) => {
  const { url, signUp } = await server(t);
  const first = await signUp("alice", { remember: true });
  const id = first.me.value.id;
  await first.close();
  const again = await logIn(t, url, { WebSocket, account: "alice", tabs: "alone", remember: true });
  await online(again);
  assert.equal(again.me.value.id, id);
  await again.changePassword(PASSWORD, `${PASSWORD}!`);
  await again.logout();
  await assert.rejects(logIn(t, url, { WebSocket, account: "alice", tabs: "alone" }), { code: "no_session" });
  const wrong = { WebSocket, account: "alice", tabs: "alone", credentials: { user: "alice", password: PASSWORD } };
  await assert.rejects(logIn(t, url, wrong), { code: "bad_credentials" });
});
