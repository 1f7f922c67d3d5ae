/** React hooks over the client; `react` 18 or later is an optional peer. */
import type { ReactNode } from "react";
import type {
  Client, Contact, Conversation, ConversationInfo, ConvId, Draft, Invite, Me, Member, Message, Presence, Readable, Receipt,
  SendOptions, Status, User, UserId,
} from "./index.js";

/** Gives the client to all hooks below it. */
export function ChatProvider(props: { client: Client; children?: ReactNode }): ReactNode;
/** The present value of a `Readable`; renders again when it changes. */
export function useReadable<T>(readable: Readable<T>): T;
export function useChat(): Client;
export function useStatus(): Status;
export function useMe(): Me;
export function useConversations(): readonly ConversationInfo[];
export function useConversation(id: ConvId): { conversation: Conversation; info: ConversationInfo | undefined };
export function useMessages(id: ConvId): {
  messages: readonly Message[];
  hasOlder: boolean;
  loading: boolean;
  ready: boolean;
  loadOlder: (limit?: number) => Promise<boolean>;
  send: (content: Draft, options?: SendOptions) => Message;
};
export function useTyping(id: ConvId): { typing: readonly UserId[]; setTyping: () => void };
export function useMembers(id: ConvId): readonly Member[];
export function useReceipts(id: ConvId): readonly Receipt[];
export function useUser(id: UserId): User | undefined;
export function usePresence(id: UserId): Presence;
/** The user's contacts, and what can be done with them; none until they are `ready`. */
export function useContacts(): {
  contacts: readonly Contact[];
  ready: boolean;
  add: (user: UserId) => Promise<void>;
  remove: (user: UserId) => Promise<void>;
  name: (user: UserId, nickname: string | null) => Promise<void>;
};
/** The user's invitations to the server, and what can be done with them; none until they are `ready`. */
export function useInvites(): {
  invites: readonly Invite[];
  ready: boolean;
  create: (invite: { email: string; name?: string }) => Promise<Invite>;
  revoke: (id: string) => Promise<void>;
  redeem: (code: string) => Promise<Conversation>;
};
/** Searches while the text changes; the newest answer wins. */
export function useSearch(query: string): { users: readonly User[]; searching: boolean };
