/** The package's forms: ES module, CommonJS, script tag, types, hooks. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import { createElement } from "react";
import { act, create } from "react-test-renderer";
import { connect as streamed } from "mvchat-client/url";
import { ChatProvider, useContacts, useConversations, useInvites, useMessages, useStatus } from "mvchat-client/react";
import { fakeServer, online, root, stage, until } from "./support.mjs";

globalThis.IS_REACT_ACT_ENVIRONMENT = true;
const require = createRequire(import.meta.url);
/** A file of the package, by the name under which it is given away. */
const file = (name) => require.resolve(`mvchat-client/${name}`);

const NAMES = ["ChatError", "connect", "firstGraphemes", "graphemes", "hasSession", "isSingleGrapheme"];

async function works({ connect, graphemes }, server) {
  const user = server.addUser("alice");
  const options = { WebSocket: server.WebSocket, storage: "memory", tabs: "alone", getToken: () => server.token(user) };
  const client = await connect("ws://fake", options);
  await online(client);
  assert.equal(graphemes("🇯🇵"), 1);
  await client.close();
}

test("`require` gives the same as `import`, and works", async () => {
  const index = require("mvchat-client");
  assert.deepEqual(Object.keys(index).sort(), NAMES);
  await works(index, require("mvchat-client/testing").fakeServer());
  assert.equal(typeof require("mvchat-client/react").useMessages, "function");
});

test("a script tag gives a global, and works", async () => {
  const page = { ...globals(), console };
  page.globalThis = page;
  runInNewContext(readFileSync(file("global"), "utf8"), page);
  assert.deepEqual(Object.keys(page.mvchat).sort(), NAMES);
  await works(page.mvchat, fakeServer());
});

function globals() {
  const { AbortSignal, WebAssembly, TextDecoder, TextEncoder, FinalizationRegistry, crypto, performance, atob } = globalThis;
  const { Blob, Response, DecompressionStream, Uint8Array } = globalThis;
  const { queueMicrotask, setTimeout, clearTimeout, setInterval, clearInterval, structuredClone } = globalThis;
  return {
    AbortSignal, WebAssembly, TextDecoder, TextEncoder, FinalizationRegistry, crypto, performance, atob,
    Blob, Response, DecompressionStream, Uint8Array,
    queueMicrotask, setTimeout, clearTimeout, setInterval, clearInterval, structuredClone,
  };
}

test("the streamed entry loads the core that it is given", async () => {
  const server = fakeServer();
  const user = server.addUser("alice");
  const wasm = readFileSync(file("mvchat.wasm"));
  const client = await streamed("ws://fake", { wasm, WebSocket: server.WebSocket, tabs: "alone", getToken: () => server.token(user) });
  await online(client);
  await client.close();
});

test("hooks render what the client knows, and only when it changes", async (t) => {
  const { server, ids, log } = stage(t);
  const client = await log("alice");
  const { conv } = server.say(ids.bob, ids.alice, "hello");
  await until(client.conversations, (list) => list.length === 1);
  await until(client.conversation(conv).timeline, ({ ready }) => ready);
  const shown = [];
  const Chat = () => {
    const { messages } = useMessages(conv);
    const titles = useConversations().map(({ title }) => title);
    shown.push(`${useStatus().state} ${titles} ${messages.map(({ text }) => text)}`);
    return null;
  };
  let tree;
  await act(async () => (tree = create(createElement(ChatProvider, { client }, createElement(Chat)))));
  await act(async () => {
    server.say(ids.bob, ids.alice, "again");
    await until(client.conversation(conv).messages, (messages) => messages.length === 2);
  });
  assert.deepEqual([...new Set(shown)], ["online bob hello", "online bob hello,again"]);
  await act(async () => tree.unmount());
});

test("hooks show contacts and invites, and change them", async (t) => {
  const { ids, log } = stage(t);
  const client = await log("alice");
  let now;
  const People = () => {
    now = { ...useContacts(), invited: useInvites() };
    return null;
  };
  let tree;
  await act(async () => (tree = create(createElement(ChatProvider, { client }, createElement(People)))));
  await act(async () => {
    await now.add(ids.bob);
    await now.name(ids.bob, "Bobsie");
    await now.invited.create({ email: "dave@example.com" });
  });
  assert.deepEqual(now.contacts.map(({ id, nickname, source }) => [id, nickname, source]), [[ids.bob, "Bobsie", "manual"]]);
  assert.deepEqual(now.invited.invites.map(({ email, status }) => [email, status]), [["dave@example.com", "pending"]]);
  await act(async () => {
    await now.remove(ids.bob);
    await now.invited.revoke(now.invited.invites[0].id);
  });
  assert.deepEqual([now.contacts, now.invited.invites, now.ready], [[], [], true]);
  await act(async () => tree.unmount());
});

test("every file that the manifest names is there, and no address of a machine is in it", () => {
  const manifest = JSON.parse(readFileSync(file("package.json"), "utf8"));
  const named = JSON.stringify(manifest.exports).match(/\.\/dist\/[\w.]+/g);
  assert.ok(named.length >= 12);
  for (const name of named) {
    const text = readFileSync(join(file("package.json"), "..", name), "latin1");
    assert.ok(!text.includes(root), name);
  }
});
