/** Uses every public name of the package, as apps would. It is compiled, never run. */

import {
  ChatError, connect, firstGraphemes, graphemes, hasSession, isSingleGrapheme,
  type Audience,
  type Client, type ConnectOptions, type Contact, type Content, type Conversation, type ConversationInfo, type ConvId, type Draft,
  type Events, type GroupEvent, type GroupLink, type Invite, type Json, type Limits, type Me, type Media, type Member, type Mention, type Message,
  type MessageStatus, type Presence, type Privacy, type Profile, type Reaction, type Readable, type Receipt, type Reply, type Role,
  type SendOptions, type Session, type Status, type Timeline, type Timestamp, type User, type UserId,
  type WebSocketLike,
} from "mvchat-client";
import {
  ChatProvider, useChat, useContacts, useConversation, useConversations, useInvites, useMe, useMembers, useMessages, usePresence, useReadable,
  useReceipts, useSearch, useStatus, useTyping, useUser,
} from "mvchat-client/react";
import { fakeServer, type FakeServer } from "mvchat-client/testing";
import { connect as connectStreamed } from "mvchat-client/url";
import "mvchat-client/global";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles only if the value has exactly the type that is named. */
function exactly<T>() {
  return function check<V>(_value: V, ..._proof: Same<T, V> extends true ? [] : [never]): void {};
}

export async function connecting(signal: AbortSignal, wasm: BufferSource, WebSocket: WebSocketLike): Promise<Client> {
  const options: ConnectOptions = {
    getToken: (why) => (why === "expired" ? "new" : Promise.resolve("old")),
    remember: true,
    account: "work",
    storage: "memory",
    tabs: "alone",
    device: "Laptop",
    userAgent: "app/1.0",
    lang: "en",
    WebSocket,
    wasm,
    signal,
  };
  exactly<boolean>()(await hasSession("wss://chat.example.com/v0/ws", { account: "work" }));
  exactly<typeof connect>()(mvchat.connect);
  await connectStreamed("wss://chat.example.com/v0/ws", { credentials: { user: "alice", password: "secret" } });
  const signUp = { user: "alice", password: "secret", public: { fn: "Alice" }, inviteCode: "abc" };
  await connect("wss://chat.example.com/v0/ws", { signUp });
  // @ts-expect-error There is no such storage.
  await connect("wss://chat.example.com/v0/ws", { storage: "disk" });
  return connect("wss://chat.example.com/v0/ws", options);
}

export async function reading<T>(readable: Readable<T>): Promise<T> {
  const stop = readable.subscribe((value) => exactly<T>()(value));
  stop();
  for await (const value of readable) return value;
  const iterator = readable[Symbol.asyncIterator]();
  exactly<T | void>()((await iterator.next()).value);
  return readable.value;
}

export async function client(chat: Client): Promise<void> {
  exactly<Status>()(chat.status.value);
  const { state, synced, retryIn, retryAt, reason, error }: Status = chat.status.value;
  exactly<"connecting" | "online" | "offline" | "ended">()(state);
  exactly<"closed" | "session" | "login" | undefined>()(reason);
  console.log(synced, retryIn, retryAt, error?.code);

  const me: Me = chat.me.value;
  const profile: Profile = me.public;
  console.log(me.id, profile, me.private, me.session, me.mustChangePassword);
  exactly<readonly ConversationInfo[]>()(chat.conversations.value);
  exactly<number>()(chat.unread.value);
  exactly<readonly Message[]>()(chat.outbox.value);

  const bob: UserId = "0190b5a0-0000-7000-8000-000000000001";
  const rooms = [
    chat.conversation("0190b5a0-0000-7000-8000-000000000002"),
    await chat.dm(bob),
    await chat.notes(),
    await chat.createGroup({ name: "Friends", public: { fn: "Friends" }, members: [bob] }),
  ];
  exactly<Conversation[]>()(rooms);
  const found: readonly User[] = await chat.search("bo", { limit: 5 });
  console.log(found.map(({ id, online, lastSeen, public: shown }) => [id, online, lastSeen, shown]));
  exactly<User | undefined>()(chat.user(bob).value);
  const { online, lastSeen }: Presence = chat.presence(bob).value;
  console.log(online, lastSeen);

  exactly<readonly Message[]>()(await chat.mentions({ limit: 5 }));
  exactly<readonly UserId[]>()(await chat.online());
  for (const contact of chat.contacts.value ?? []) {
    const { id, nickname, source, createdAt }: Contact = contact;
    console.log(id, nickname, source, createdAt);
  }
  await chat.addContact(bob);
  await chat.nameContact(bob, null);
  await chat.removeContact(bob);
  for (const invite of chat.invites.value ?? []) {
    const { id, email, name, status, createdAt, expiresAt, code, usedAt, usedBy }: Invite = invite;
    console.log(id, email, name, status === "used", createdAt, expiresAt, code, usedAt, usedBy);
  }
  exactly<Invite>()(await chat.createInvite({ email: "bob@example.com", name: "Bob" }));
  await chat.revokeInvite("0190b5a0-0000-7000-8000-000000000009");
  exactly<Conversation>()(await chat.redeemInvite("code"));
  exactly<Conversation>()(await chat.joinGroup("code"));
  await chat.refresh();
  await chat.updateProfile({ public: { fn: "Alice" }, private: null, email: "alice@example.com", lang: "de" });
  await chat.updateProfile({ username: "alice2", status: "Sailing", privacy: { typing: "nobody" } });
  const { lastSeen: seen, receipts, typing, discoverable }: Privacy = chat.me.value.privacy;
  const audiences: Audience[] = [seen, receipts, typing, discoverable];
  console.log(audiences, chat.me.value.status);
  await chat.changePassword("old", "new");
  const sessions: readonly Session[] = await chat.sessions();
  for (const { id, device, userAgent, createdAt, lastUsedAt, current } of sessions) {
    const when: Timestamp[] = [createdAt, lastUsedAt];
    console.log(device, userAgent, when);
    if (!current) await chat.revokeSession(id);
  }
  const raw: { [request: string]: Json } = { get: { what: "online" } };
  const { code, text, params, ts }: Reply = await chat.request(raw);
  console.log(code, text, params, ts);
  chat.retryNow();
  await chat.logout({ all: true });
  await chat.close();
  await chat[Symbol.asyncDispose]();
}

export function limits(chat: Client): number[] {
  const {
    maxText, maxMedia, maxMentions, editWindow, maxEditCount, unsendWindow, maxReactions, minLoginLength, maxLoginLength,
    minPasswordLength, maxSubscriberCount,
  }: Limits = chat.limits.value;
  const messages = [maxText, maxMedia, maxMentions, editWindow, maxEditCount, unsendWindow, maxReactions];
  return [...messages, minLoginLength, maxLoginLength, minPasswordLength, maxSubscriberCount];
}

export function events(chat: Client, signal: AbortSignal): void {
  const off = chat.on("message", (message) => exactly<Message>()(message), { signal });
  off();
  chat.on("changed", ({ conv, seq }) => console.log(conv, seq));
  chat.on("conversation", ({ change }) => exactly<"added" | "gone">()(change));
  chat.on("member", ({ user, change }) => console.log(user, change === "role"));
  chat.on("presence", (presence) => exactly<Events["presence"]>()(presence));
  chat.on("typing", ({ conv, user }) => console.log(conv, user));
  chat.on("failed", ({ cid, error }) => console.log(cid, error.retryable));
  // @ts-expect-error There is no such event.
  chat.on("massage", () => {});
}

export async function conversation(room: Conversation, bob: UserId): Promise<void> {
  const info: ConversationInfo | undefined = room.info.value;
  if (info) show(info);
  const { messages, hasOlder, loading, ready }: Timeline = room.timeline.value;
  exactly<readonly Message[]>()(room.messages.value);
  console.log(room.id, messages.length, hasOlder, loading, ready, room.typing.value.includes(bob));
  for (const member of room.members.value) {
    const { id, role, mutedUntil }: Member = member;
    exactly<Role | undefined>()(role);
    console.log(id, mutedUntil);
  }
  const { user, readSeq, recvSeq }: Receipt = room.receipts.value[0] ?? { user: bob, readSeq: 0, recvSeq: 0 };
  console.log(user, readSeq, recvSeq);

  const mention: Mention = { userId: bob, username: "bob", offset: 0, length: 4 };
  const options: SendOptions = { replyTo: 3, mentions: [mention], viewOnce: true, viewOnceTTL: 10, expiresIn: 60 };
  exactly<Message>()(room.send("@bob hello", options));
  const media: Media = { type: "image", ref: "0190b5a0-0000-7000-8000-000000000003", width: 640 };
  const draft: Draft = { text: "Look", media: [media], mentions: [mention] };
  room.send(draft);
  // @ts-expect-error A message is no number.
  room.send(1);
  exactly<boolean>()(await room.loadOlder(50));
  exactly<Message | undefined>()(await room.jumpTo(7));
  room.setTyping();
  await room.markRead(7);
  await room.edit(7, "better");
  await room.unsend(7);
  await room.delete(7, { forEveryone: true });
  await room.react(7, "👍", false);
  await room.pin(7);
  await room.unpin();
  await room.report(7, "spam");
  await room.clear(7);
  await room.set({ favorite: true, muted: true, archived: false, blocked: false, private: { colour: "red" } });
  await room.setDisappearing(null);
  await room.invite(bob);
  await room.setRole(bob, "admin");
  await room.transfer(bob);
  await room.update({ public: { fn: "Friends" }, noScreenshots: true, slowMode: null, joinable: false, systemMessages: true });
  await room.setRetention(null);
  await room.deleteGroup();
  await room.ban(bob);
  await room.unban(bob);
  await room.mute(bob, new Date());
  await room.unmute(bob);
  for (const link of await room.links()) {
    const { conv, code, expiresAt, maxUses, uses, by, createdAt }: GroupLink = link;
    console.log(conv, code, expiresAt, maxUses, uses, by, createdAt);
  }
  exactly<GroupLink>()(await room.createLink({ expiresIn: 60, maxUses: 1 }));
  await room.revokeLink("code");
  await room.kick(bob);
  await room.refresh();
  await room.leave();
}

function show(info: ConversationInfo): void {
  const { id, type, title, public: profile, user, role, unread, lastMessage, lastAt, private: own } = info;
  const { lastSeq, readSeq, recvSeq, clearSeq, favorite, muted, archived, blocked, disappearingTTL, pinnedSeq } = info;
  exactly<ConvId>()(id);
  exactly<Role>()(role);
  console.log(type === "dm", title, profile, user?.online, unread, lastMessage?.text, lastAt, own, info.noScreenshots);
  console.log(lastSeq, readSeq, recvSeq, clearSeq, favorite, muted, archived, blocked, disappearingTTL, pinnedSeq);
  console.log(info.slowMode, info.joinable, info.systemMessages, info.retention);
  // @ts-expect-error A snapshot can't be changed.
  info.unread = 0;
}

function showEvent({ what, by, user, role }: GroupEvent): void {
  console.log(what, by, user, role);
}

export async function message(message: Message): Promise<void> {
  const { key, conv, seq, cid, from, mine, at, content, text, status, error, deleted, unsent, unavailable } = message;
  const { editedAt, editCount, replyTo, reply, reactions, mentions, viewOnce, editableUntil, unsendableUntil } = message;
  exactly<MessageStatus>()(status);
  const body: Content | undefined = content;
  console.log(body?.v, body?.text, body?.media?.[0]?.ref, body?.reply?.seq, body?.mentions?.[0]?.userId);
  console.log(key, conv, seq, cid, from, mine, at, text, error?.message, deleted, unsent, unavailable, editedAt, editCount);
  console.log(replyTo, reply?.preview, mentions.length, viewOnce, editableUntil, unsendableUntil);
  const { expired, expiresAt, event } = message;
  if (event) showEvent(event);
  console.log(expired, expiresAt);
  reactions.forEach(({ emoji, users, mine }: Reaction) => console.log(emoji, users.length, mine));
  await message.edit("better");
  await message.unsend();
  await message.delete({ forEveryone: false });
  await message.react("👍");
  await message.pin();
  await message.report("spam");
  await message.retry();
  exactly<boolean>()(await message.discard());
}

export function texts(): void {
  exactly<number>()(graphemes("👋🏽"));
  exactly<string>()(firstGraphemes("👋🏽!", 1));
  exactly<boolean>()(isSingleGrapheme("👋🏽"));
  const error: Error = new ChatError("rate_limited", "too fast", { status: 429, retryAfter: 1_000 });
  if (error instanceof ChatError) console.log(error.code, error.status, error.retryAfter, error.path, error.rule);
}

export function Room({ chat, id, bob }: { chat: Client; id: ConvId; bob: UserId }) {
  const { conversation, info } = useConversation(id);
  const { messages, hasOlder, loading, ready, loadOlder, send } = useMessages(id);
  const { typing, setTyping } = useTyping(id);
  const { users, searching } = useSearch("bo");
  const { contacts, ready: known, add, remove, name } = useContacts();
  const { invites, ready: listed, create, revoke, redeem } = useInvites();
  console.log(contacts, known, invites, listed);
  void add(bob).then(() => name(bob, "B")).then(() => remove(bob));
  void create({ email: "bob@example.com" }).then(({ id }) => revoke(id)).then(() => redeem("code"));
  exactly<Client>()(useChat());
  exactly<Status>()(useStatus());
  exactly<Me>()(useMe());
  exactly<readonly ConversationInfo[]>()(useConversations());
  exactly<readonly Member[]>()(useMembers(id));
  exactly<readonly Receipt[]>()(useReceipts(id));
  exactly<User | undefined>()(useUser(bob));
  exactly<Presence>()(usePresence(bob));
  exactly<number>()(useReadable(chat.unread));
  console.log(conversation.id, info?.title, messages, hasOlder, loading, ready, typing, users, searching);
  setTyping();
  void loadOlder(50);
  exactly<Message>()(send("hello"));
  return ChatProvider({ client: chat, children: "hello" });
}

export function testing(): void {
  const server: FakeServer = fakeServer();
  const alice: UserId = server.addUser("alice", "secret", { fn: "Alice" });
  const { conv, seq } = server.say(alice, { conv: "0190b5a0-0000-7000-8000-000000000002" }, { v: 1, text: "hello" });
  void connect("ws://fake.test/v0/ws", { getToken: () => server.token(alice), WebSocket: server.WebSocket });
  console.log(seq, server.messages(conv).length, server.received, server.connections);
  server.down();
  server.up();
  server.closeAll(1001);
  server.freeze();
  server.thaw();
  server.failNext("send", { code: 429, err: "rate_limited", text: "too fast", params: { retryAfter: 1 } });
}
