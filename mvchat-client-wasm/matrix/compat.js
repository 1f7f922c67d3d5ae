/** Calls what the tables of `original.js` name, and looks at what the server hears. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { HOOKS, METHODS, OTHERS } from "./original.js";

const URL_OF_FAKE = "ws://fake.test/v0/ws";
/** How long a request may take to reach a server in the same process. */
const WITHIN = 5_000;

export async function compat({ installed }) {
  const load = (name) => import(pathToFileURL(join(installed, "dist", name)));
  const [{ connect }, { fakeServer }] = [await load("index.js"), await load("testing.js")];
  const stage = await staged(connect, fakeServer());
  const wrong = [];
  try {
    for (const { was, call, asks } of [...METHODS, ...OTHERS]) {
      if (!call) continue;
      const before = stage.server.received.length;
      try {
        await call(stage);
        await until(() => !asks || stage.server.received.slice(before).some((frame) => holds(frame, asks)));
      } catch (error) {
        wrong.push(`${was}: ${error.message}`);
      }
    }
  } finally {
    await Promise.all(stage.clients.map((client) => client.close()));
  }
  const react = await readFile(join(installed, "dist", "react.d.ts"), "utf8");
  for (const hook of Object.values(HOOKS).flatMap((names) => names.split(", "))) {
    if (!react.includes(`export function ${hook}(`)) wrong.push(`there is no hook ${hook}`);
  }
  if (wrong.length > 0) throw new Error(wrong.join("\n"));
  return `ok, ${METHODS.filter(({ call }) => call).length} of ${METHODS.length} methods of the original SDK`;
}

/** @returns {Promise<import("./original.js").Stage>} */
async function staged(connect, server) {
  const [alice, bob] = ["alice", "bobby"].map((name) => server.addUser(name));
  const clients = [];
  const stage = { server, alice, bob, clients };
  stage.connect = async (options = { getToken: () => server.token(alice) }) => {
    const client = await connect(URL_OF_FAKE, { WebSocket: server.WebSocket, tabs: "alone", storage: "memory", ...options });
    clients.push(client);
    return client;
  };
  stage.chat = await stage.connect();
  stage.room = await stage.chat.dm(bob);
  stage.group = await stage.chat.createGroup({ name: "Two", members: [bob] });
  for (const text of ["1", "2"]) stage.room.send(text);
  const loaded = () => stage.room.messages.value;
  stage.first = () => loaded().find(({ seq }) => seq === 1);
  stage.heard = async () => {
    const { seq } = server.say(bob, alice, { v: 1, text: "hello" });
    await until(() => loaded().some((message) => message.seq === seq));
    return seq;
  };
  await until(() => loaded().filter(({ seq }) => seq).length === 2);
  return stage;
}

/** Waits in turns of the event loop until something is so. */
async function until(so) {
  const end = performance.now() + WITHIN;
  while (!so()) {
    if (performance.now() > end) throw new Error("the server has not heard of it");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Tells whether a frame has everything that is asked for, whatever else it has. */
function holds(frame, asked) {
  if (asked === null || typeof asked !== "object") return asked === undefined || frame === asked;
  if (frame === null || typeof frame !== "object") return false;
  return Object.entries(asked).every(([name, value]) => name in frame && holds(frame[name], value));
}
