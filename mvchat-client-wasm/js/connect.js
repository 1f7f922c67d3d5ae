/** From an address to a client. */

import { Client } from "./client.js";
import { Engine } from "./engine.js";
import { ChatError } from "./error.js";
import { load } from "./load.js";
import { openStorage } from "./storage.js";
import { alone, canShare, share } from "./tabs.js";

/**
 * Makes `connect` for an entry that knows where its core is.
 * @param {() => unknown} core
 */
export function connectWith(core) {
  return async function connect(url, options = {}) {
    const WebSocket = options.WebSocket ?? globalThis.WebSocket;
    if (!WebSocket) throw new ChatError("no_websocket", "this platform has no WebSocket: give `WebSocket` in the options");
    options.signal?.throwIfAborted();
    const Machine = await load(() => options.wasm ?? core());
    const name = storageName(url, options);
    const client = new Client();
    const start = async (emit, login) => {
      const storage = await openStorage(name, options.storage);
      const engine = new Engine({ url, Machine, WebSocket, storage, options, emit });
      try {
        await engine.start(login);
      } catch (error) {
        storage.close();
        throw error;
      }
      return engine;
    };
    await ready(client, options, (failed) => {
      const tab = {
        start,
        login: loginOf(options),
        attached: (snapshot) => client._attached(snapshot),
        patched: (patch) => client._patched(patch),
        failed,
      };
      const shared = (options.tabs ?? "shared") === "shared" && canShare();
      client._linked(shared ? share(name, tab) : alone(tab));
    });
    client._cleanUp = watchPage(client);
    return client;
  };
}

/** Tells whether an earlier login was remembered. */
export async function hasSession(url, options = {}) {
  const storage = await openStorage(storageName(url, options), options.storage);
  try {
    return (await storage.get("meta", "token")) !== undefined;
  } finally {
    storage.close();
  }
}

function storageName(url, { account = "" }) {
  return `mvchat ${account} ${url}`;
}

function loginOf({ credentials, signUp }) {
  if (signUp) return { signUp };
  return credentials && { user: credentials.user, password: credentials.password };
}

/** Waits until there is something to show, or no hope. */
async function ready(client, { signal, credentials, signUp }, begin) {
  const typed = Boolean(credentials || signUp);
  try {
    await new Promise((resolve, reject) => {
      const judge = () => {
        const { state, error } = client.status.value;
        if (state === "ended") return reject(error ?? new ChatError("ended", "the session has ended"));
        // A password that was just typed is worth waiting for; otherwise what is kept can be shown at once.
        if (client.me.value && (state !== "connecting" || !typed)) return resolve();
        if (state === "offline") reject(new ChatError("offline", "the server can't be reached"));
      };
      client.status.subscribe(judge);
      client.me.subscribe(judge);
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      begin((error) => {
        reject(error);
        client._patched({ status: { state: "ended", synced: false, reason: "login", error: error.plain() } });
      });
    });
  } catch (error) {
    await client.close();
    throw error;
  }
}

/** Comes back at once when the network does, or when someone looks at the page again. */
function watchPage(client) {
  const { document } = globalThis;
  if (!document) return () => {};
  const wake = () => client.retryNow();
  const look = () => document.visibilityState === "visible" && wake();
  globalThis.addEventListener("online", wake);
  globalThis.addEventListener("pageshow", look);
  document.addEventListener("visibilitychange", look);
  return () => {
    globalThis.removeEventListener("online", wake);
    globalThis.removeEventListener("pageshow", look);
    document.removeEventListener("visibilitychange", look);
  };
}
