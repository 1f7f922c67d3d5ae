/** The app of every case with hooks: what somebody says is what React shows. */

import { TEXT } from "./say.js";

/**
 * Shows a conversation with hooks while somebody says `TEXT` in it.
 * @param {any} client The package: `connect`, `fakeServer`, `ChatProvider`, `useMessages`.
 * @param {Function} createElement React's.
 * @param {(tree: any, change: () => Promise<void>) => Promise<string>} render Shows the tree, lets the change happen, and
 *   returns the text that is shown then.
 * @param {object} [options]
 * @returns {Promise<string>} What is shown.
 */
export async function show({ connect, fakeServer, ChatProvider, useMessages }, createElement, render, options) {
  const server = fakeServer();
  const [alice, bob] = ["alice", "bobby"].map((name) => server.addUser(name));
  const getToken = () => server.token(alice);
  const chat = await connect("ws://fake.test/v0/ws", { getToken, WebSocket: server.WebSocket, ...options });
  const room = await chat.dm(bob);
  const Room = () => createElement("p", null, useMessages(room.id).messages.map(({ text }) => text).join());
  const change = async () => {
    server.say(bob, alice, { v: 1, text: TEXT });
    for await (const messages of room.messages) if (messages.length > 0) return;
  };
  const shown = await render(createElement(ChatProvider, { client: chat }, createElement(Room)), change);
  await chat.close();
  return shown;
}

/** Renders in a page, where what changes is shown by itself. */
export function inPage(createRoot) {
  return async (tree, change) => {
    const node = document.body.appendChild(document.createElement("div"));
    createRoot(node).render(tree);
    const shown = new Promise((resolve) => {
      new MutationObserver(() => node.textContent !== "" && resolve(node.textContent)).observe(node, { childList: true, characterData: true, subtree: true });
    });
    await change();
    return shown;
  };
}

/** Renders once, as a server does. */
export function asText(renderToString) {
  return async (tree, change) => {
    await change();
    return /<p>(.*)<\/p>/.exec(renderToString(tree))?.[1] ?? "";
  };
}
