/** Compiled, never run: the declarations fit the way in which apps use them. */

import { ChatError, connect, graphemes, hasSession, type Client, type Conversation, type Message, type Readable } from "mvchat-client";
import { connect as streamed } from "mvchat-client/url";
import { ChatProvider, useMessages, useReadable } from "mvchat-client/react";
import { fakeServer } from "mvchat-client/testing";

export async function use(): Promise<void> {
  const chat: Client = await connect("wss://chat.example.com/v0/ws", { getToken: async () => "token" });
  await streamed("wss://chat.example.com/v0/ws", { wasm: fetch("/mvchat.wasm"), credentials: { user: "a", password: "b" } });
  await connect("ws://fake", { WebSocket: fakeServer().WebSocket, storage: "memory" });
  const room: Conversation = await chat.dm("id");
  const stop: () => void = room.messages.subscribe((list: readonly Message[]) => list.map(({ key }) => key));
  const message: Message = room.send({ text: "hi" }, { replyTo: 1 });
  if (message.error instanceof ChatError && message.error.retryable) await message.retry();
  chat.on("message", ({ from, text }) => [from?.length, graphemes(text)], { signal: AbortSignal.timeout(1) });
  for await (const { state } of chat.status) if (state === "ended") break;
  // @ts-expect-error A status is one of four words.
  chat.status.value.state === "broken";
  // @ts-expect-error Snapshots are not to be changed.
  message.text = "";
  stop();
  await hasSession("ws://fake");
}

export function Hooks({ client, id }: { client: Client; id: string }) {
  const { messages, loadOlder }: { messages: readonly Message[]; loadOlder: (limit?: number) => Promise<boolean> } = useMessages(id);
  const unread: number = useReadable(client.unread satisfies Readable<number>);
  return ChatProvider({ client, children: `${messages.length} ${unread} ${loadOlder.name}` });
}
