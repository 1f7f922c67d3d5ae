/** What the tests share. They run the built package, as apps get it: `cargo xtask npm` and `prepare.mjs` come first. */

import { fileURLToPath } from "node:url";
import { connect } from "mvchat-client";
import { fakeServer } from "mvchat-client/testing";

export const root = fileURLToPath(new URL("../../", import.meta.url));
export { ChatError, connect, firstGraphemes, graphemes, hasSession, isSingleGrapheme } from "mvchat-client";
export { fakeServer } from "mvchat-client/testing";

export const URL_OF_FAKE = "ws://fake/v0/ws";

/** Waits until a value fits; fails with the last value when it takes too long. */
export function until(readable, fits, within = 5_000) {
  return new Promise((resolve, reject) => {
    const look = (value) => {
      if (!fits(value)) return;
      clearTimeout(timer);
      stop();
      resolve(value);
    };
    const timer = setTimeout(() => {
      stop();
      reject(new Error(`waited in vain for ${fits}; last: ${JSON.stringify(readable.value)}`));
    }, within);
    const stop = readable.subscribe(look);
    look(readable.value);
  });
}

export const online = (client) => until(client.status, ({ state, synced }) => state === "online" && synced);
export const texts = (messages) => messages.map(({ text }) => text);

/** A fake server with two users, and a way to log them in that closes everything at the end of a test. */
export function stage(t) {
  const server = fakeServer();
  const ids = Object.fromEntries(["alice", "bob", "carol"].map((name) => [name, server.addUser(name, "password", { fn: name })]));
  const log = (name, options = {}) => logIn(t, URL_OF_FAKE, { WebSocket: server.WebSocket, storage: "memory", tabs: "alone", account: name, credentials: { user: name, password: "password" }, ...options });
  return { server, ids, log };
}

export async function logIn(t, url, options) {
  const client = await connect(url, options);
  t.after(() => client.close());
  return client;
}

/** A socket class whose page can die: from then on nothing goes out and nothing comes in. */
export function mortal(WebSocket) {
  let dead = false;
  const Mortal = class extends WebSocket {
    send(text) {
      if (!dead) super.send(text);
    }

    push(frame) {
      if (!dead) super.push(frame);
    }

    end(code) {
      if (dead) this.onclose = this.onopen = null;
      super.end(code);
    }
  };
  return { WebSocket: Mortal, die: () => (dead = true) };
}
