/** The network goes and comes back; nothing is lost, nothing comes twice. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { startProxy } from "./proxy.mjs";
import { Person, two } from "./support.mjs";

const TIMEOUT = { timeout: 180_000 };

/** Puts a proxy before the server. */
function proxied() {
  let proxy;
  return {
    through: async (server, t) => {
      proxy = await startProxy(server.port);
      t.after(() => proxy.stop());
      return proxy.url;
    },
    get proxy() {
      return proxy;
    },
  };
}

/** Waits until a message is kept on the device for the next start. */
const hasKept = ({ page }, text) =>
  page.evaluate(async (text) => {
    const settled = (request) => new Promise((done) => (request.onsuccess = () => done(request.result)));
    const kept = async ({ name }) => {
      const db = await settled(indexedDB.open(name));
      const all = await settled(db.transaction("messages").objectStore("messages").getAll());
      db.close();
      return all.some(({ messages }) => messages.some(({ content }) => content?.text === text));
    };
    while (!(await Promise.all((await indexedDB.databases()).map(kept))).includes(true)) await new Promise(requestAnimationFrame);
  }, text);

/** The system says that there is a network again. */
const online = (person) => person.page.evaluate(() => dispatchEvent(new Event("online")));

test("offline, and back", TIMEOUT, async (t) => {
  const { anna, bob } = await two(t);
  await anna.say("Before");
  await bob.open("Anna Berg");
  await bob.sees("Before");
  await anna.context.setOffline(true);
  await anna.page.evaluate(() => dispatchEvent(new Event("offline")));
  await anna.say("Written without a network");
  await anna.sees("Written without a network");
  await bob.say("Meanwhile");
  await anna.context.setOffline(false);
  await anna.sees("Meanwhile");
  await bob.sees("Written without a network");
  await anna.isMarked("Written without a network", "read");
  anna.isFine();
  bob.isFine();
});

test("the server is killed and started again", TIMEOUT, async (t) => {
  const { server, anna, bob } = await two(t, { store: "sled" });
  await anna.say("Kept over the restart");
  await bob.open("Anna Berg");
  await bob.sees("Kept over the restart");
  await server.kill();
  await anna.page.locator(".banner", { hasText: "You are offline" }).waitFor();
  assert.match(await anna.page.locator(".banner .count").innerText(), /Next try in \d+ s/);
  await anna.say("Written while the server was gone");
  await bob.say("Me too");
  await anna.page.locator('.row.own[data-status="queued"]').waitFor();
  await server.start();
  await anna.tryNow();
  await bob.tryNow();
  await bob.sees("Written while the server was gone");
  await anna.sees("Me too");
  assert.equal((await bob.texts()).length, 3);
  anna.isFine();
  bob.isFine();
});

test("a reload with messages that wait", TIMEOUT, async (t) => {
  const wall = proxied();
  const { anna, bob } = await two(t, { through: wall.through, bobDirect: true });
  await anna.say("Sent");
  await anna.isMarked("Sent", "delivered");
  // The socket is cut and none is let through, but the page itself is.
  wall.proxy.wall(true);
  wall.proxy.cut();
  await anna.page.locator(".banner").waitFor();
  for (const text of ["First that waits", "Second that waits"]) await anna.say(text);
  await anna.page.locator('.row.own[data-status="queued"]').nth(1).waitFor();
  await anna.page.reload();
  await anna.sees("Second that waits");
  await anna.sees("Sent");
  assert.equal(await anna.page.locator('.row.own[data-status="queued"]').count(), 2);
  // The page is closed, and opened again when the wall is gone: what waited is in the same profile.
  const page = await anna.context.newPage();
  await anna.page.close();
  wall.proxy.wall(false);
  anna.page = page;
  anna.watch(page);
  await page.goto(anna.url);
  await anna.open("Bob Stone");
  await anna.isMarked("Second that waits", "delivered");
  await bob.open("Anna Berg");
  await bob.sees("Second that waits");
  assert.deepEqual(await bob.texts(), ["Sent", "First that waits", "Second that waits"]);
  anna.isFine();
  bob.isFine();
});

test("without a server the page opens, with what was said", TIMEOUT, async (t) => {
  const { server, anna, bob } = await two(t, { store: "sled" });
  await anna.say("Read me on the train");
  await anna.isMarked("Read me on the train", "delivered");
  await bob.page.evaluate(() => navigator.serviceWorker.ready);
  // Bob has never opened the conversation; its last page is there all the same.
  await bob.page.locator(".conversations .badge", { hasText: "1" }).waitFor();
  await bob.page.reload();
  await bob.page.locator(".conversations .badge", { hasText: "1" }).waitFor();
  await bob.isOnline();
  await hasKept(bob, "Read me on the train");
  await server.kill();
  await bob.page.reload();
  await bob.page.locator(".conversations a", { hasText: "Read me on the train" }).waitFor();
  await bob.open("Anna Berg");
  await bob.sees("Read me on the train");
  await bob.page.locator(".banner", { hasText: "You are offline" }).waitFor();
  await bob.say("Read it");
  await bob.page.locator('.row.own[data-status="queued"]').waitFor();
  await server.start();
  await bob.tryNow();
  await anna.tryNow();
  await anna.sees("Read it");
  bob.isFine();
});

test("what is kept is on the screen before the server has answered", TIMEOUT, async (t) => {
  const { anna } = await two(t);
  await anna.say("Already here");
  await anna.isMarked("Already here", "delivered");
  await hasKept(anna, "Already here");
  // The socket opens, and nobody ever says a word.
  await anna.page.routeWebSocket(/\/v0\/ws/, () => {});
  await anna.page.reload();
  await anna.sees("Already here");
  await anna.page.locator(".conversations a", { hasText: "Already here" }).waitFor();
  await anna.page.locator(".banner", { hasText: "Connecting" }).waitFor();
  anna.isFine();
});

test("two tabs show the same and share one connection", TIMEOUT, async (t) => {
  const wall = proxied();
  const { anna, bob } = await two(t, { through: wall.through });
  await anna.say("From the first tab");
  const second = new Person(anna.context, await anna.context.newPage(), anna.url);
  await second.page.goto(anna.page.url());
  await second.sees("From the first tab");
  await second.say("From the second tab");
  await anna.sees("From the second tab");
  await bob.open("Anna Berg");
  await bob.say("Seen in both");
  await anna.sees("Seen in both");
  await second.sees("Seen in both");
  // The first tab has the connection; when it goes, the second takes over, and nothing that waits is lost.
  await anna.page.close();
  await second.say("After the first is gone");
  await bob.sees("After the first is gone");
  await bob.say("Good");
  await second.sees("Good");
  assert.equal((await bob.texts()).length, 5);
  second.isFine();
  bob.isFine();
});

test("a tab with a dead socket is live within a second of being looked at", TIMEOUT, async (t) => {
  const wall = proxied();
  const { anna, bob } = await two(t, { through: wall.through, bobDirect: true });
  await bob.open("Anna Berg");
  await anna.say("Hello");
  await bob.sees("Hello");
  await anna.page.evaluate(() => {
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => "hidden" });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  wall.proxy.kill();
  await bob.say("Written while nobody looked");
  await bob.isMarked("Written while nobody looked", "sent");
  await anna.page.evaluate(() => {
    delete document.visibilityState;
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await anna.message("Written while nobody looked").waitFor({ timeout: 1_000 });
  anna.isFine();
});

test("200 disconnects at random moments lose nothing and double nothing", { timeout: 300_000 }, async (t) => {
  const wall = proxied();
  const { anna, bob } = await two(t, { through: wall.through });
  await bob.open("Anna Berg");
  let random = 20_261_120;
  const chance = (most) => (random = (random * 48_271) % 0x7fffffff) % most;
  const said = { Anna: [], Bob: [] };
  for (let cut = 0; cut < 200; cut++) {
    // As people do, they write when the page lets them; the network goes before, during and after.
    for (const [name, person] of [["Anna", anna], ["Bob", bob]]) {
      if (chance(2) === 0) continue;
      const text = `${name} ${said[name].length}`;
      said[name].push(text);
      await person.say(text);
    }
    // Now and then both come back at once, as often only one of them; each cut hits someone who was there.
    for (const person of chance(3) === 0 ? [anna] : [anna, bob]) await online(person);
    await wall.proxy.connected();
    await new Promise((done) => setTimeout(done, chance(60)));
    wall.proxy.cut();
  }
  for (const person of [anna, bob]) await online(person);
  const all = said.Anna.length + said.Bob.length;
  for (const person of [anna, bob]) {
    await person.page.waitForFunction(
      (count) => document.querySelectorAll(".row .body").length >= count && !document.querySelector('[data-status="queued"], [data-status="sending"]'),
      all,
      { timeout: 60_000 },
    );
  }
  const [one, other] = [await anna.texts(), await bob.texts()];
  for (const [name, texts] of Object.entries(said)) assert.deepEqual(one.filter((text) => text.startsWith(name)), texts);
  assert.deepEqual(one, other);
  anna.isFine();
  bob.isFine();
});
