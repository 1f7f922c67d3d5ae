/** A small server in memory that speaks the protocol, for tests of apps: no network, no timers of its own. */
import type { Json, UserId, WebSocketLike } from "./index.js";

export interface FakeServer {
  /** Give it to `connect` as `WebSocket`. */
  readonly WebSocket: WebSocketLike;
  /** Makes an account. */
  addUser(name: string, password?: string, profile?: Json): UserId;
  /** Returns a token for an account. */
  token(user: UserId): string;
  /** Sends a message as a user, who needs no connection. */
  say(from: UserId, to: UserId | { conv: string }, content: Json): { conv: string; seq: number };
  /** Every message of a conversation, as history shows it. */
  messages(conv: string): readonly any[];
  /** Refuses new connections and ends all present ones without a word, until `up`. */
  down(): void;
  up(): void;
  /** Ends all connections with a close code. */
  closeAll(code?: number): void;
  /** Keeps connections open but says nothing any more, like a network that is gone, until `thaw`. */
  freeze(): void;
  thaw(): void;
  /** Answers the next request of a kind with an error. */
  failNext(request: string, error: { code: number; err?: string; text?: string; params?: Json }): void;
  /** Every frame that came from clients, parsed. */
  readonly received: readonly any[];
  /** How many connections are open. */
  readonly connections: number;
}

export function fakeServer(): FakeServer;
