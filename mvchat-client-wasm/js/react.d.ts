/** React hooks over the client; `react` 18 or later is an optional peer. */
import type { ReactNode } from "react";
import type {
  Client, Conversation, ConversationInfo, ConvId, Draft, Me, Member, Message, Presence, Readable, Receipt, SendOptions,
  Status, User, UserId,
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
/** Searches while the text changes; the newest answer wins. */
export function useSearch(query: string): { users: readonly User[]; searching: boolean };
