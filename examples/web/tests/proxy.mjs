/** A TCP proxy between browser and server, to take the network away in every way that it goes away. */

import { connect, createServer } from "node:net";

/** Starts a proxy to a port of this machine. */
export async function startProxy(to) {
  const pairs = new Set();
  let refusing = false;
  let walled = false;
  const server = createServer((near) => {
    if (refusing) return void near.destroy();
    // A browser opens a connection of its own for each WebSocket.
    near.once("data", (data) => {
      if (walled && data.toString("latin1").startsWith("GET /v0/ws")) near.destroy();
    });
    const far = connect(to, "127.0.0.1");
    const pair = { near, far };
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    const pass = (from, into) => {
      from.on("data", (data) => {
        if (!pair.dead && !into.destroyed) into.write(data);
      });
      from.on("error", end);
      from.on("close", () => pair.dead || end());
    };
    pass(near, far);
    pass(far, near);
  });
  server.listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  return {
    get port() {
      return server.address().port;
    },
    url: `http://127.0.0.1:${server.address().port}/`,
    /** Resolves when there is a connection. */
    async connected() {
      if (pairs.size === 0) await new Promise((done) => server.once("connection", () => setImmediate(done)));
    },
    /** Ends all connections, without a word of WebSocket. */
    cut() {
      for (const { near, far } of [...pairs]) {
        near.resetAndDestroy();
        far.destroy();
      }
    },
    /** The present connections stay open and carry nothing any more, as when a laptop comes out of its bag. */
    kill() {
      for (const pair of pairs) pair.dead = true;
    },
    refuse(on) {
      refusing = on;
    },
    /** Whether pages are served and WebSockets refused. */
    wall(on) {
      walled = on;
    },
    async stop() {
      for (const { near, far } of pairs) {
        near.destroy();
        far.destroy();
      }
      await new Promise((done) => server.close(done));
    },
  };
}
