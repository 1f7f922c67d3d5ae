/** Several tabs, one engine: the tab that holds the lock runs it, the others talk to it over a channel. */

import { ChatError } from "./error.js";

/**
 * @typedef {object} Link The way to the engine, wherever it is.
 * @property {(method: string, args: any[], apply?: (result: any) => void) => Promise<any>} call
 *   `apply` sees the result before any later patch.
 * @property {() => Promise<void>} close
 *
 * @typedef {object} Tab
 * @property {(emit: (patch: any) => void, login: any) => Promise<any>} start Makes the engine and starts it.
 * @property {any} login
 * @property {(snapshot: any) => void} attached There is an engine; also when another one has taken over.
 * @property {(patch: any) => void} patched
 * @property {(error: ChatError) => void} failed There is none.
 */

/** Tells whether this platform lets tabs find each other. */
export function canShare() {
  return Boolean(globalThis.navigator?.locks && globalThis.BroadcastChannel);
}

/**
 * Has the engine for itself.
 * @param {Tab} tab
 * @returns {Link}
 */
export function alone(tab) {
  const engine = run(tab, tab.patched, tab.login);
  return {
    call: async (method, args, apply) => called(await engine, method, args, apply),
    close: async () => (await engine.catch(() => {}))?.stop(),
  };
}

async function run(tab, emit, login) {
  let ready = false;
  try {
    // What is told before the snapshot is in the snapshot.
    const engine = await tab.start((patch) => ready && emit(patch), login);
    tab.attached(engine.attach());
    ready = true;
    return engine;
  } catch (error) {
    tab.failed(ChatError.from(error));
    throw error;
  }
}

async function called(engine, method, args, apply) {
  const result = engine[method](...args);
  // Answers that are here at once are applied at once, before anything else can happen.
  if (!(result instanceof Promise)) return apply?.(result), result;
  const value = await result;
  apply?.(value);
  return value;
}

/** What of the calls to an engine that is gone is made again: those that change nothing when made twice. */
const AGAIN = new Set(["send", "read", "typing", "wake", "contacts"]);

/**
 * Shares the engine with the other tabs of this origin.
 * @param {string} name
 * @param {Tab} tab
 * @returns {Link}
 */
export function share(name, tab) {
  const own = crypto.randomUUID();
  const channel = new BroadcastChannel(name);
  channel.unref?.();
  const giveUp = new AbortController();
  const waiting = new Map();
  let calls = 0;
  let engine;
  let leader;
  let token;
  let release;
  let closed = false;

  const say = (message) => closed || channel.postMessage(message);

  const lead = async () => {
    if (closed) return;
    const over = new Promise((resolve) => (release = resolve));
    leader = own;
    const emit = (patch) => {
      tab.patched(patch);
      say({ patch, leader: own });
    };
    // Whoever takes over goes on with the session of the one before.
    const running = run(tab, emit, token ? { token } : tab.login);
    engine = running;
    try {
      await running;
    } catch {
      engine = leader = undefined;
      return;
    }
    say({ leader: own });
    for (const { method, args, resolve, reject, apply } of takeWaiting()) {
      if (AGAIN.has(method)) running.then((engine) => called(engine, method, args, apply)).then(resolve, reject);
      else reject(gone());
    }
    await over;
  };

  const takeWaiting = () => {
    const all = [...waiting.values()];
    waiting.clear();
    return all;
  };

  const ask = (method, args, resolve, reject, apply) => {
    const id = ++calls;
    waiting.set(id, { method, args, resolve, reject, apply });
    if (leader) say({ to: leader, from: own, id, method, args });
  };

  /** Another tab has the engine. */
  const follow = (other) => {
    if (other === leader || engine) return;
    const before = takeWaiting();
    leader = other;
    ask("attach", [tab.login], () => {}, (error) => tab.failed(error), (snapshot) => {
      token = snapshot.token;
      tab.attached(snapshot);
    });
    for (const { method, args, resolve, reject, apply } of before) {
      if (AGAIN.has(method)) ask(method, args, resolve, reject, apply);
      else reject(gone());
    }
  };

  const answer = async ({ from, id, method, args }) => {
    try {
      // The answer has to leave before any later patch does.
      await called(await engine, method, args, (result) => say({ to: from, id, result }));
    } catch (error) {
      say({ to: from, id, error: ChatError.from(error).plain() });
    }
  };

  channel.onmessage = ({ data }) => {
    if (closed) return;
    if (data.hello) return engine && leader === own && say({ leader: own });
    if (data.patch) {
      if (data.leader !== leader || engine) return;
      token = data.patch.token ?? token;
      return tab.patched(data.patch);
    }
    if (data.leader) return follow(data.leader);
    if (data.to !== own) return;
    if (data.method) return answer(data);
    const call = waiting.get(data.id);
    if (!waiting.delete(data.id)) return;
    if (data.error) return call.reject(ChatError.from(data.error));
    call.apply?.(data.result);
    call.resolve(data.result);
  };

  say({ hello: own });
  navigator.locks.request(name, { signal: giveUp.signal }, lead).catch(() => {});

  return {
    call: (method, args, apply) =>
      new Promise((resolve, reject) => {
        if (closed) reject(new ChatError("closed", "the client was closed"));
        else if (engine) engine.then((engine) => called(engine, method, args, apply)).then(resolve, reject);
        else ask(method, args, resolve, reject, apply);
      }),
    close: async () => {
      giveUp.abort();
      await (await engine?.catch(() => {}))?.stop();
      for (const { reject } of takeWaiting()) reject(new ChatError("closed", "the client was closed"));
      closed = true;
      channel.close();
      release?.();
    },
  };
}

function gone() {
  return new ChatError("disconnected", "the tab that had the connection is gone; it may have happened");
}
