/** Everything that the original TypeScript SDK has, with what does the same here. `compat.js` calls all of it. */

/**
 * @typedef {object} Stage What the calls act on.
 * @property {any} chat
 * @property {any} room A direct conversation with Bob, with two messages of Alice's.
 * @property {any} group A group with Bob in it.
 * @property {any} server
 * @property {string} alice
 * @property {string} bob
 * @property {(options?: any) => Promise<any>} connect As Alice, unless told otherwise.
 * @property {() => any} first The first message of the direct conversation.
 * @property {() => Promise<number>} heard Lets Bob say something there; resolves to its number once it is here.
 * @property {any[]} clients All that were connected.
 *
 * @typedef {object} Row
 * @property {string} was The method of the original.
 * @property {string} now What does the same, as the book shows it; empty if nothing does.
 * @property {(stage: Stage) => unknown} [call]
 * @property {object} [asks] What the server then hears, at least.
 */

/** @type {Row[]} The 47 asynchronous methods of the original's client, in its order. */
export const METHODS = [
  { was: "connect", now: "connect(url, options)", call: ({ connect }) => connect(), asks: { hi: {} } },
  {
    was: "login",
    now: "connect(url, { credentials })",
    call: ({ connect }) => connect({ credentials: { user: "bobby", password: "password" } }),
    asks: { login: { scheme: "basic" } },
  },
  {
    was: "loginWithToken",
    now: "connect(url, { getToken })",
    call: ({ connect }) => connect(),
    asks: { login: { scheme: "token" } },
  },
  {
    was: "signup",
    now: "connect(url, { signUp })",
    call: ({ connect }) => connect({ signUp: { user: "dora", password: "password" } }),
    asks: { acc: { user: "new" } },
  },
  {
    was: "changePassword",
    now: "chat.changePassword(old, password)",
    call: ({ chat }) => chat.changePassword("password", "passport"),
    asks: { acc: { user: "me", secret: { old: "password", new: "passport" } } },
  },
  {
    was: "updateProfile",
    now: "chat.updateProfile({ public })",
    call: ({ chat }) => chat.updateProfile({ public: { fn: "Alice" } }),
    asks: { acc: { user: "me", desc: { public: { fn: "Alice" } } } },
  },
  {
    was: "updatePrivateData",
    now: "chat.updateProfile({ private })",
    call: ({ chat }) => chat.updateProfile({ private: { theme: "dark" } }),
    asks: { acc: { user: "me", desc: { private: { theme: "dark" } } } },
  },
  {
    was: "updateEmail",
    now: "chat.updateProfile({ email })",
    call: ({ chat }) => chat.updateProfile({ email: "alice@example.com" }),
    asks: { acc: { user: "me", email: "alice@example.com" } },
  },
  {
    was: "updateLang",
    now: "chat.updateProfile({ lang })",
    call: ({ chat }) => chat.updateProfile({ lang: "de" }),
    asks: { acc: { user: "me", lang: "de" } },
  },
  {
    was: "getUser",
    now: "chat.user(id)",
    call: ({ chat, server }) => chat.user(server.addUser("erwin")),
    asks: { get: { what: "user" } },
  },
  {
    was: "getConversations",
    now: "chat.conversations",
    call: async ({ connect }) => present((await connect()).conversations.value),
    asks: { get: { what: "conversations" } },
  },
  {
    was: "getConversation",
    now: "chat.conversation(id).info",
    call: ({ chat, room }) => present(chat.conversation(room.id).info.value),
  },
  { was: "startDM", now: "chat.dm(user)", call: ({ chat, bob }) => chat.dm(bob), asks: { dm: {} } },
  {
    was: "createRoom",
    now: "chat.createGroup({ public })",
    call: ({ chat }) => chat.createGroup({ public: { fn: "Friends" } }),
    asks: { group: { action: "create", desc: { public: { fn: "Friends" } } } },
  },
  { was: "getMembers", now: "room.members", call: ({ group }) => group.members, asks: { get: { what: "members" } } },
  { was: "getReceipts", now: "room.receipts", call: ({ group }) => group.receipts, asks: { get: { what: "receipts" } } },
  {
    was: "getMessages",
    now: "room.messages, room.loadOlder(limit)",
    call: ({ room }) => (present(room.messages), room.loadOlder(10)),
    asks: { get: { what: "messages", limit: 10 } },
  },
  { was: "sendMessage", now: "room.send(content, options)", call: ({ room }) => room.send("3"), asks: { send: {} } },
  { was: "editMessage", now: "message.edit(content)", call: ({ first }) => first().edit("one"), asks: { edit: { seq: 1 } } },
  { was: "unsendMessage", now: "message.unsend()", call: ({ room }) => room.unsend(2), asks: { unsend: { seq: 2 } } },
  {
    was: "deleteForEveryone",
    now: "message.delete({ forEveryone: true })",
    call: ({ room }) => room.delete(3, { forEveryone: true }),
    asks: { delete: { seq: 3, forEveryone: true } },
  },
  {
    was: "deleteForMe",
    now: "message.delete()",
    call: ({ room }) => room.delete(3),
    asks: { delete: { seq: 3, forEveryone: false } },
  },
  { was: "react", now: "message.react(emoji)", call: ({ first }) => first().react("👍"), asks: { react: { emoji: "👍" } } },
  {
    was: "markRead",
    now: "room.markRead(seq)",
    call: async ({ room, heard }) => room.markRead(await heard()),
    asks: { read: {} },
  },
  { was: "markReceived", now: "happens by itself", call: ({ heard }) => heard(), asks: { recv: {} } },
  { was: "clearConversation", now: "room.clear(seq)", call: ({ room }) => room.clear(1), asks: { clear: { seq: 1 } } },
  { was: "getContacts", now: "chat.contacts", call: ({ chat }) => present(chat.contacts), asks: { get: { what: "contacts" } } },
  {
    was: "getMentions",
    now: "chat.mentions({ limit })",
    call: ({ chat }) => chat.mentions({ limit: 5 }),
    asks: { get: { what: "mentions", limit: 5 } },
  },
  {
    was: "addContact",
    now: "chat.addContact(user)",
    call: ({ chat, bob }) => chat.addContact(bob),
    asks: { contact: { add: undefined } },
  },
  {
    was: "removeContact",
    now: "chat.removeContact(user)",
    call: ({ chat, bob }) => chat.removeContact(bob),
    asks: { contact: { remove: undefined } },
  },
  {
    was: "updateContactNickname",
    now: "chat.nameContact(user, nickname)",
    call: async ({ chat, bob }) => (await chat.addContact(bob), chat.nameContact(bob, "B")),
    asks: { contact: { user: undefined, nickname: "B" } },
  },
  { was: "searchUsers", now: "chat.search(query, { limit })", call: ({ chat }) => chat.search("bob"), asks: { search: {} } },
  {
    was: "createInvite",
    now: "chat.createInvite({ email, name })",
    call: ({ chat }) => chat.createInvite({ email: "b@example.com", name: "B" }),
    asks: { invite: { create: { email: "b@example.com", name: "B" } } },
  },
  { was: "listInvites", now: "chat.invites", call: ({ chat }) => present(chat.invites), asks: { invite: { list: true } } },
  {
    was: "revokeInvite",
    now: "chat.revokeInvite(id)",
    call: async ({ chat }) => chat.revokeInvite((await chat.createInvite({ email: "c@example.com" })).id),
    asks: { invite: { revoke: undefined } },
  },
  {
    was: "redeemInvite",
    now: "chat.redeemInvite(code)",
    call: async ({ chat, connect }) => {
      const bob = await connect({ credentials: { user: "bobby", password: "password" } });
      const { code } = await bob.createInvite({ email: "alice@example.com" });
      await chat.redeemInvite(code);
    },
    asks: { invite: { redeem: undefined } },
  },
  {
    was: "pinMessage",
    now: "message.pin()",
    call: async ({ room, heard }) => (await room.jumpTo(await heard())).pin(),
    asks: { pin: {} },
  },
  { was: "unpinMessage", now: "room.unpin()", call: ({ room }) => room.unpin(), asks: { pin: { seq: 0 } } },
  {
    was: "setDMDisappearingTTL",
    now: "room.setDisappearing(seconds)",
    call: ({ room }) => room.setDisappearing(60),
    asks: { dm: { disappearingTTL: 60 } },
  },
  {
    was: "setRoomDisappearingTTL",
    now: "room.setDisappearing(seconds)",
    call: ({ group }) => group.setDisappearing(null),
    asks: { group: { action: "update", disappearingTTL: 0 } },
  },
  {
    was: "inviteToRoom",
    now: "room.invite(user)",
    call: ({ group, server }) => group.invite(server.addUser("frida")),
    asks: { group: { action: "invite" } },
  },
  {
    was: "leaveRoom",
    now: "room.leave()",
    call: async ({ chat }) => (await chat.createGroup({ name: "Nobody" })).leave(),
    asks: { group: { action: "leave" } },
  },
  {
    was: "kickFromRoom",
    now: "room.kick(user)",
    call: ({ group, bob }) => group.kick(bob),
    asks: { group: { action: "kick" } },
  },
  {
    was: "updateRoom",
    now: "room.update({ public, noScreenshots })",
    call: ({ group }) => group.update({ noScreenshots: true }),
    asks: { group: { action: "update", noScreenshots: true } },
  },
  {
    was: "updateDMSettings",
    now: "room.set({ favorite, muted, blocked, private })",
    call: ({ room }) => room.set({ favorite: true }),
    asks: { dm: { favorite: true } },
  },
  { was: "uploadFile", now: "" },
  { was: "downloadFile", now: "" },
];

/** @type {Row[]} What else the original's client has. */
export const OTHERS = [
  { was: "on, off", now: "chat.on(event, listener)", call: ({ chat }) => present(chat.on("message", () => {})) },
  { was: "sendTyping", now: "room.setTyping()", call: ({ room }) => room.setTyping(), asks: { typing: {} } },
  {
    was: "isConnected, connectionState, isAuthenticated",
    now: "chat.status",
    call: ({ chat }) => present(chat.status.value.state === "online"),
  },
  { was: "user, userID", now: "chat.me", call: ({ chat, alice }) => present(chat.me.value.id === alice) },
  {
    was: "mustChangePassword",
    now: "chat.me.value.mustChangePassword",
    call: ({ chat }) => present(chat.me.value.mustChangePassword === false),
  },
  {
    was: "logout",
    now: "chat.logout()",
    call: async ({ connect }) => (await connect({ credentials: { user: "bobby", password: "password" } })).logout(),
    asks: { logout: {} },
  },
  {
    was: "disconnect",
    now: "chat.close()",
    call: async ({ connect }) => {
      const chat = await connect();
      await chat.close();
      present(chat.status.value.reason === "closed");
    },
  },
  { was: "token, emailVerified", now: "" },
  { was: "getFileUrl", now: "" },
];

/** The original's hooks and ours. */
export const HOOKS = {
  useClient: "useChat",
  useAuth: "useStatus, useMe",
  useConversations: "useConversations",
  useMessages: "useMessages",
  useMembers: "useMembers",
  useTyping: "useTyping",
  usePresence: "usePresence",
  useReadReceipts: "useReceipts",
  useContacts: "useContacts",
  useInvites: "useInvites",
};

function present(value) {
  if (!value) throw new Error("it is not there");
}
