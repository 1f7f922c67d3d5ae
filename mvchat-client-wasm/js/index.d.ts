/// <reference lib="esnext.disposable" />
/**
 * The mvchat client: chat for browsers, offline first.
 *
 * ```js
 * import { connect } from "mvchat-client";
 *
 * const chat = await connect("wss://chat.example.com/v0/ws", { getToken: () => fetch("/chat-token").then((r) => r.text()) });
 * const room = await chat.dm(bobId);
 * room.messages.subscribe((list) => render(list));
 * room.send("Hello *world*");
 * ```
 *
 * The page's content security policy has to allow `script-src 'wasm-unsafe-eval'` and the server's address in
 * `connect-src`.
 */

/** A value that changes. `value` is the same object until the value changes, so it fits `useSyncExternalStore`. */
export interface Readable<T> extends AsyncIterable<T> {
  /** The present value. */
  readonly value: T;
  /** Calls `listener` with every new value, not with the present one. Returns a function that ends it. */
  subscribe(listener: (value: T) => void): () => void;
  /** Yields the present value, then the newest value whenever it has changed; never ends by itself. */
  [Symbol.asyncIterator](): AsyncIterator<T, void, undefined>;
}

/** A user's id: a UUID. */
export type UserId = string;
/** A conversation's id: a UUID. */
export type ConvId = string;
/** An instant: RFC 3339 in UTC. */
export type Timestamp = string;
/** Any JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/** What others see of a user or a group: any JSON, by convention an object with the display name in `fn`. */
export type Profile = Json;

/** How to connect. One of `getToken`, `credentials`, `signUp` or an earlier login that was remembered is needed. */
export interface ConnectOptions {
  /**
   * Fetches a token of either kind, access or refresh, from the app's own back end. Called at the start and whenever
   * the server no longer takes the last token; tokens from here are never stored.
   */
  getToken?: (why: "start" | "expired") => string | Promise<string>;
  /** Logs in with a name and a password. */
  credentials?: { user: string; password: string };
  /** Makes an account and logs in. */
  signUp?: { user: string; password: string; public?: Profile; inviteCode?: string };
  /**
   * Keeps the session on this device, so that later `connect(url)` needs no credentials: its token, or the newest
   * refresh token where the server gives those, which the client renews by itself. Default: false.
   */
  remember?: boolean;
  /** Separates accounts on one device that are used at the same time. Default: one account for each server. */
  account?: string;
  /** Where the outbox and the cache live. Default: IndexedDB where there is one. */
  storage?: "indexeddb" | "memory";
  /** Whether tabs of one origin share one connection. Default: yes where the platform has what it takes. */
  tabs?: "shared" | "alone";
  /** The device's name, for the list of sessions. */
  device?: string;
  /** The app's name and version, for the list of sessions. */
  userAgent?: string;
  /** The user's language. Default: the browser's. */
  lang?: string;
  /** The socket's class, where the platform has none (Node 20) or a test brings its own. */
  WebSocket?: WebSocketLike;
  /** The compiled core, instead of the one that comes with this entry. */
  wasm?: BufferSource | WebAssembly.Module | Response | URL | string | Promise<Response>;
  /** Gives up while still connecting. */
  signal?: AbortSignal;
}

/** What `connect` needs of a WebSocket class. */
export type WebSocketLike = new (url: string) => {
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  send(text: string): void;
  close(code?: number): void;
};

/**
 * Connects. Resolves as soon as there is something to show: after the login, or at once, offline too, when this device
 * has a cache of the account.
 *
 * Rejects with a {@link ChatError}: `unauthenticated` and the like if the server refuses the login, `offline` if the
 * server can't be reached and nothing is cached, `no_session` if no way to log in was given and none was remembered.
 */
export function connect(url: string, options?: ConnectOptions): Promise<Client>;

/** Tells whether `connect(url)` would find a remembered login on this device. */
export function hasSession(url: string, options?: Pick<ConnectOptions, "account" | "storage">): Promise<boolean>;

/** Counts what readers call characters: extended grapheme clusters, the unit of mention offsets. After `connect` only. */
export function graphemes(text: string): number;
/** Returns the first `count` characters of a text. After `connect` only. */
export function firstGraphemes(text: string, count: number): string;
/** Tells whether a text is exactly one character, as a reaction has to be. After `connect` only. */
export function isSingleGrapheme(text: string): boolean;

/** Where the connection is. */
export interface Status {
  /**
   * `connecting`: on the way, for the first time or again. `online`: logged in. `offline`: waiting for the next attempt.
   * `ended`: nothing more happens by itself.
   */
  readonly state: "connecting" | "online" | "offline" | "ended";
  /** Everything that changed while away is here. */
  readonly synced: boolean;
  /** While offline: seconds until the next attempt, counting down. */
  readonly retryIn?: number;
  /** While offline: when the next attempt is made, in milliseconds like `Date.now()`. */
  readonly retryAt?: number;
  /** Once ended: `closed` by the app, `session` by the server (logged out, revoked), `login` was refused. */
  readonly reason?: "closed" | "session" | "login";
  /** Why the login was refused. */
  readonly error?: ChatError;
}

/** The user of this client. */
export interface Me {
  readonly id: UserId;
  readonly public: Profile;
  readonly private?: Json;
  /** The session of this device; absent while only the cache is known. */
  readonly session?: string;
  /** Until `changePassword`, the server refuses everything else. */
  readonly mustChangePassword: boolean;
  /** What the user says about the present moment. */
  readonly status?: string;
  readonly privacy: Privacy;
}

/** To whom something is shown. */
export type Audience = "everyone" | "contacts" | "nobody";

/** What others see of the user. */
export interface Privacy {
  /** Whether the user is here, when they last were, and their status. */
  readonly lastSeen: Audience;
  /** How far they have read and received. */
  readonly receipts: Audience;
  /** That they are writing. */
  readonly typing: Audience;
  /** Who finds them and can begin a direct conversation. */
  readonly discoverable: Audience;
}

/** A user as others see them. */
export interface User {
  readonly id: UserId;
  readonly public: Profile;
  readonly online: boolean;
  readonly lastSeen?: Timestamp;
  /** What they say about the present moment, as far as that was told. */
  readonly status?: string;
  /** What the user of this client calls them, if they are a contact with a name of one's own. */
  readonly nickname?: string;
}

/** Someone in the user's contact list. */
export interface Contact extends User {
  /** How they became contacts. */
  readonly source: "manual" | "invite" | (string & {});
  readonly createdAt: Timestamp;
}

/** An invitation to the server, made by the user. */
export interface Invite {
  readonly id: string;
  readonly email: string;
  /** Who that is, as the user wrote. */
  readonly name?: string | null;
  readonly status: "pending" | "used" | "expired" | (string & {});
  readonly createdAt: Timestamp;
  readonly expiresAt: Timestamp;
  /** What makes it work, while it is pending. */
  readonly code?: string;
  readonly usedAt?: Timestamp;
  readonly usedBy?: UserId;
}

/** Whether someone is here. */
export interface Presence {
  readonly online: boolean;
  readonly lastSeen?: Timestamp;
}

/** A member's role. */
export type Role = "owner" | "admin" | "member";

/** A member of a conversation. */
export interface Member extends User {
  readonly role?: Role;
  /** Until when a moderator has muted the member. */
  readonly mutedUntil?: Timestamp;
}

/** What lets people into a group. */
export interface GroupLink {
  readonly conv: ConvId;
  /** For `joinGroup`; whoever has it can join. */
  readonly code: string;
  readonly expiresAt?: Timestamp;
  /** How often it opens the group, if there is a limit. */
  readonly maxUses?: number;
  readonly uses: number;
  readonly by: UserId;
  readonly createdAt: Timestamp;
}

/** How far a member is. */
export interface Receipt {
  readonly user: UserId;
  readonly readSeq: number;
  readonly recvSeq: number;
}

/** A conversation as the user sees it: a snapshot, a new object after every change. */
export interface ConversationInfo {
  readonly id: ConvId;
  readonly type: "dm" | "group" | "self" | (string & {});
  /** The display name: the other user's nickname, or their or the group's `public.fn`; empty if there is none. */
  readonly title: string;
  /** The group's profile. */
  readonly public?: Profile;
  /** The other user of a DM, with presence. */
  readonly user?: User;
  readonly role: Role;
  /** Unread messages: exact to 999, then 1000. */
  readonly unread: number;
  /** The newest message, with one's own that are on their way. */
  readonly lastMessage?: Message;
  /** When something was last said. */
  readonly lastAt?: Timestamp;
  readonly lastSeq: number;
  readonly readSeq: number;
  readonly recvSeq: number;
  readonly clearSeq: number;
  readonly favorite: boolean;
  readonly muted: boolean;
  readonly archived: boolean;
  /** The user has blocked the other. */
  readonly blocked: boolean;
  readonly private?: Json;
  /** How long messages live after they were read, in seconds. */
  readonly disappearingTTL?: number;
  readonly pinnedSeq?: number;
  readonly noScreenshots: boolean;
  /** The least time between two messages of a plain member, in seconds. */
  readonly slowMode?: number;
  /** Whether links open the group. */
  readonly joinable: boolean;
  /** Whether the group tells of its changes by messages. */
  readonly systemMessages: boolean;
  /** How long the server keeps messages, in seconds; absent for ever. */
  readonly retention?: number;
}

/** What a message is made of: Irido. */
export interface Content {
  readonly v: 1;
  readonly text?: string;
  readonly media?: readonly Media[];
  readonly reply?: { readonly seq: number };
  readonly mentions?: readonly Mention[];
  readonly [key: string]: unknown;
}

/** A part of a message that is no text. */
export interface Media {
  readonly type: "image" | "video" | "audio" | "file" | "embed" | "location" | (string & {});
  readonly ref?: string;
  readonly [key: string]: unknown;
}

/** Someone named in a text; places are counted in grapheme clusters. */
export interface Mention {
  readonly userId: UserId;
  readonly username?: string;
  readonly offset: number;
  readonly length: number;
}

/** What may be given for the content of a message. */
export type Draft = string | (Omit<Content, "v"> & { v?: 1 });

/** How to send. */
export interface SendOptions {
  /** The message that it answers. */
  replyTo?: number;
  mentions?: readonly Mention[];
  /** It can be seen once. */
  viewOnce?: boolean;
  /** For how long, in seconds. */
  viewOnceTTL?: number;
  /** So many seconds after it was sent it is gone for everybody. */
  expiresIn?: number;
}

/** A reaction to a message. */
export interface Reaction {
  readonly emoji: string;
  readonly users: readonly UserId[];
  /** The user of this client is among them. */
  readonly mine: boolean;
}

/**
 * How far a message is. Others' messages are `sent`; one's own become `delivered` and `read` when all other members have
 * received and read them.
 */
export type MessageStatus = "queued" | "sending" | "sent" | "delivered" | "read" | "failed";

/** A message: a snapshot, the same object until it changes. */
export interface Message {
  /** The same from writing on, unique in the conversation: for lists. */
  readonly key: string;
  readonly conv: ConvId;
  /** Its number; absent until the server has accepted it. */
  readonly seq?: number;
  readonly cid?: string;
  /** The sender; absent in system messages. */
  readonly from?: UserId;
  readonly mine: boolean;
  /** When it was accepted, or written as long as it is not. */
  readonly at: Timestamp;
  /** Absent when it was deleted or can't be read. */
  readonly content?: Content;
  /** The content's text; empty if there is none. */
  readonly text: string;
  readonly status: MessageStatus;
  /** Why it failed. */
  readonly error?: ChatError;
  readonly deleted: boolean;
  /** Its sender took it back. */
  readonly unsent: boolean;
  /** Its time was over for everybody. */
  readonly expired: boolean;
  /** When it will be gone for everybody. */
  readonly expiresAt?: Timestamp;
  /** In messages of the server itself: what happened in the group. */
  readonly event?: GroupEvent;
  /** It can't be read, for example because its sender's key was erased. */
  readonly unavailable: boolean;
  readonly editedAt?: Timestamp;
  readonly editCount: number;
  readonly replyTo?: number;
  /** The answered message in short; absent when it is gone. */
  readonly reply?: { readonly seq: number; readonly from?: UserId; readonly preview: string };
  readonly reactions: readonly Reaction[];
  readonly mentions: readonly Mention[];
  readonly viewOnce: boolean;
  /** Until when the user may edit it, in milliseconds like `Date.now()`; 0 if not at all. */
  readonly editableUntil: number;
  /** Until when the user may take it back; 0 if not at all. */
  readonly unsendableUntil: number;

  edit(content: Draft): Promise<void>;
  /** Takes it back from everyone. */
  unsend(): Promise<void>;
  /** Hides it for the user, or deletes it for everyone. */
  delete(options?: { forEveryone?: boolean }): Promise<void>;
  /** Adds a reaction, or takes it back; toggles without `on`. */
  react(emoji: string, on?: boolean): Promise<void>;
  pin(): Promise<void>;
  report(reason: string): Promise<void>;
  /** Sends a failed message again. */
  retry(): Promise<void>;
  /** Takes an own message that has failed or was never sent away; resolves to whether that was still possible. */
  discard(): Promise<boolean>;
}

/** What happened in a group, told by a message without a sender. */
export interface GroupEvent {
  /** The word of the protocol, such as `member_joined`. */
  readonly what: string;
  /** Who did it. */
  readonly by?: UserId;
  /** Whom it is about. */
  readonly user?: UserId;
  readonly role?: Role;
}

/** The messages of a conversation, as far as they are loaded. */
export interface Timeline {
  /** The oldest first; one's own that are on their way at the end. */
  readonly messages: readonly Message[];
  /** There is more to load. */
  readonly hasOlder: boolean;
  /** A page is being loaded. */
  readonly loading: boolean;
  /** The newest page is here, from the cache or from the server. */
  readonly ready: boolean;
}

/** One conversation and what can be done in it; the same object for the same id. */
export interface Conversation {
  readonly id: ConvId;
  /** The view; `undefined` while unknown and after the user was removed. */
  readonly info: Readable<ConversationInfo | undefined>;
  /** The messages. Loading begins with the first use. */
  readonly timeline: Readable<Timeline>;
  /** The timeline's messages alone. */
  readonly messages: Readable<readonly Message[]>;
  /** The members. Loading begins with the first use. */
  readonly members: Readable<readonly Member[]>;
  /** How far the others are. Loading begins with the first use. */
  readonly receipts: Readable<readonly Receipt[]>;
  /** Who else is writing now. */
  readonly typing: Readable<readonly UserId[]>;

  /** Sends; returns at once with the message on its way. It is durable before it touches the network. */
  send(content: Draft, options?: SendOptions): Message;
  /** Loads older messages; resolves to whether there are more. */
  loadOlder(limit?: number): Promise<boolean>;
  /** Loads up to an older message; resolves to it, or to `undefined` if it is not there. */
  jumpTo(seq: number): Promise<Message | undefined>;
  /** Says that the user is writing; may be called with every key. */
  setTyping(): void;
  /** Everything up to the message, or all, was read. */
  markRead(seq?: number): Promise<void>;
  edit(seq: number, content: Draft): Promise<void>;
  unsend(seq: number): Promise<void>;
  delete(seq: number, options?: { forEveryone?: boolean }): Promise<void>;
  react(seq: number, emoji: string, on?: boolean): Promise<void>;
  pin(seq: number): Promise<void>;
  unpin(): Promise<void>;
  report(seq: number, reason: string): Promise<void>;
  /** Hides all messages up to this one, or all, for the user. */
  clear(seq?: number): Promise<void>;
  /** Changes the user's own settings of the conversation. */
  set(settings: { favorite?: boolean; muted?: boolean; archived?: boolean; blocked?: boolean; private?: Json }): Promise<void>;
  /** Sets how long messages live after they were read, in seconds; `null` for ever. */
  setDisappearing(ttl: number | null): Promise<void>;
  /** Sets how long the server keeps messages, read or not, in seconds; `null` for ever. */
  setRetention(seconds: number | null): Promise<void>;
  /** Group: adds a user. */
  invite(user: UserId): Promise<void>;
  /** Group: removes a member. */
  kick(user: UserId): Promise<void>;
  /** Group: leaves. */
  leave(): Promise<void>;
  /** Group: changes a member's role. */
  setRole(user: UserId, role: "admin" | "member"): Promise<void>;
  /** Group: makes another member the owner. */
  transfer(user: UserId): Promise<void>;
  /** Group: removes a member, who can't come back. */
  ban(user: UserId): Promise<void>;
  /** Group: lets a banned user come back, by a link or an invitation. */
  unban(user: UserId): Promise<void>;
  /** Group: takes the word from a member, until an instant or until `unmute`. */
  mute(user: UserId, until?: Date | Timestamp | number): Promise<void>;
  unmute(user: UserId): Promise<void>;
  /** Group: the links that let people in. */
  links(): Promise<readonly GroupLink[]>;
  /** Group: makes a link that lets people in; `expiresIn` in seconds. */
  createLink(options?: { expiresIn?: number; maxUses?: number }): Promise<GroupLink>;
  revokeLink(code: string): Promise<void>;
  /** Group: changes the profile or settings. `slowMode` is in seconds, `null` for none. */
  update(changes: { public?: Profile; noScreenshots?: boolean; slowMode?: number | null; joinable?: boolean; systemMessages?: boolean }): Promise<void>;
  /** Group: ends it for everybody, with all that was said. */
  deleteGroup(): Promise<void>;
  /** Asks for members and receipts again. */
  refresh(): Promise<void>;
}

/** A login of one device. */
export interface Session {
  readonly id: string;
  readonly device?: string;
  readonly userAgent?: string;
  readonly createdAt: Timestamp;
  readonly lastUsedAt: Timestamp;
  readonly current: boolean;
}

/** The server's limits by their names on the wire, such as `editWindow` in seconds. */
export interface Limits {
  readonly maxText: number;
  readonly maxMedia: number;
  readonly maxMentions: number;
  readonly editWindow: number;
  readonly maxEditCount: number;
  readonly unsendWindow: number;
  readonly maxReactions: number;
  readonly minLoginLength: number;
  readonly maxLoginLength: number;
  readonly minPasswordLength: number;
  readonly maxSubscriberCount: number;
  readonly [name: string]: number;
}

/** A server's answer to a raw request. */
export interface Reply {
  readonly code: number;
  readonly text: string;
  readonly params?: any;
  readonly ts: Timestamp;
}

/** What can be listened to with `on`. */
export interface Events {
  /** Someone else wrote while the client listened. */
  message: Message;
  /** A message was edited, deleted or reacted to. */
  changed: { conv: ConvId; seq: number };
  /** The user was added to a conversation, or is no longer in it. */
  conversation: { conv: ConvId; change: "added" | "gone" };
  /** A membership changed. */
  member: { conv: ConvId; user: UserId; change: "joined" | "left" | "kicked" | "role" | "updated" };
  presence: { user: UserId; online: boolean; lastSeen?: Timestamp };
  typing: { conv: ConvId; user: UserId };
  /** A message of the outbox was refused. */
  failed: { conv: ConvId; cid: string; error: ChatError };
}

/** A connected user. */
export interface Client {
  readonly status: Readable<Status>;
  readonly me: Readable<Me>;
  /** All conversations: favourites first, then by what was last said. Archived ones are marked, not left out. */
  readonly conversations: Readable<readonly ConversationInfo[]>;
  /** Unread messages of all conversations that are neither muted nor archived. */
  readonly unread: Readable<number>;
  readonly limits: Readable<Limits>;
  /** One's own messages that the server has not accepted, of all conversations. */
  readonly outbox: Readable<readonly Message[]>;

  conversation(id: ConvId): Conversation;
  /** Opens the direct conversation with a user. */
  dm(user: UserId): Promise<Conversation>;
  /** Opens the user's notes to themself. */
  notes(): Promise<Conversation>;
  createGroup(options: { name?: string; public?: Profile; members?: readonly UserId[] }): Promise<Conversation>;
  /** Joins a group by the code of one of its links. */
  joinGroup(code: string): Promise<Conversation>;
  /** Finds users by a part of their name. */
  search(query: string, options?: { limit?: number }): Promise<readonly User[]>;
  /** A user's profile, fetched with the first use. */
  user(id: UserId): Readable<User | undefined>;
  /** Whether a user is here, fetched with the first use. */
  presence(id: UserId): Readable<Presence>;
  /** The newest messages of all conversations that mention the user; at most `limit`, 50 without it. */
  mentions(options?: { limit?: number }): Promise<readonly Message[]>;
  /** Which contacts and partners of direct conversations are here. */
  online(): Promise<readonly UserId[]>;
  /** The user's contacts, the newest first; fetched with the first use, `undefined` until then. */
  readonly contacts: Readable<readonly Contact[] | undefined>;
  /** Makes the two users each other's contacts. */
  addContact(user: UserId): Promise<void>;
  /** Takes both out of each other's contacts. */
  removeContact(user: UserId): Promise<void>;
  /** Gives a contact a name that only this user sees; `null` takes it away. */
  nameContact(user: UserId, nickname: string | null): Promise<void>;
  /** The user's invitations to the server, the newest first; fetched with the first use, `undefined` until then. */
  readonly invites: Readable<readonly Invite[] | undefined>;
  /** Invites somebody; the code is mailed to the address if the server sends mail. */
  createInvite(invite: { email: string; name?: string }): Promise<Invite>;
  revokeInvite(id: string): Promise<void>;
  /** Uses an invitation: resolves to the direct conversation with whoever made it. */
  redeemInvite(code: string): Promise<Conversation>;
  /** Asks for contacts and invitations again: nobody tells when others change them. */
  refresh(): Promise<void>;
  /** Changes what is given; an empty `status` takes it away, and of `privacy` whatever is absent stays. */
  updateProfile(changes: {
    public?: Profile;
    private?: Json;
    email?: string;
    lang?: string;
    username?: string;
    status?: string;
    privacy?: Partial<Privacy>;
  }): Promise<void>;
  /** Ends the user's other sessions. */
  changePassword(old: string, password: string): Promise<void>;
  sessions(): Promise<readonly Session[]>;
  revokeSession(id: string): Promise<void>;
  /** Ends this session, or all of the user's, and forgets everything on this device. */
  logout(options?: { all?: boolean }): Promise<void>;
  /** Sends any request of the protocol, such as `{ get: { what: "conversation", conv } }`. */
  request(raw: { readonly [request: string]: Json | undefined }): Promise<Reply>;
  /** Listens; returns a function that ends it. */
  on<K extends keyof Events>(event: K, listener: (event: Events[K]) => void, options?: { signal?: AbortSignal }): () => void;
  /** Tries to connect now instead of waiting. */
  retryNow(): void;
  /** Ends the connection and stays away, in this tab. What waits in the outbox is kept. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Why something failed: what the server said, or, with `status` 0, what the client found itself.
 *
 * `code` is a stable word: the server's `unauthenticated`, `not_member`, `blocked`, `rate_limited` … or the client's own
 * `timeout`, `disconnected` (it may have happened), `offline`, `ended`, `too_large`, `full`, `no_session`, `closed`.
 */
export class ChatError extends Error {
  constructor(code: string, message: string, more?: Partial<Pick<ChatError, "status" | "retryAfter" | "path" | "rule">>);
  readonly code: string;
  /** The server's numeric code; 0 if the client itself gave up. */
  readonly status: number;
  /** The same may succeed later, unchanged. */
  readonly retryable: boolean;
  /** When to try again, in milliseconds. */
  readonly retryAfter?: number;
  /** The place in the content that breaks a rule. */
  readonly path?: string;
  /** The rule that it breaks. */
  readonly rule?: string;
}
