/** A phone: fingers that have nothing to hover with, and a network that takes its time. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Person, startBrowser, startServer, two } from "./support.mjs";

const TIMEOUT = { timeout: 180_000 };
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };

test("by touch alone", TIMEOUT, async (t) => {
  const server = await startServer({ store: "memory" });
  const browser = await startBrowser();
  t.after(async () => {
    await browser.close();
    await server.stop();
  });
  const bob = await (await Person.open(browser, server.url)).signUp("bobby", "Bob Stone");
  const anna = await (await Person.open(browser, server.url, PHONE)).signUp("anna", "Anna Berg");
  const { page } = anna;
  await bob.writeTo("Anna Berg");
  await bob.say("Touch this");
  await bob.isMarked("Touch this", "delivered");
  const entry = page.locator(".conversations a", { hasText: "Bob Stone" });
  await entry.tap();
  await anna.isIn("Bob Stone");
  assert.equal(await page.locator(".sidebar").isVisible(), false, "one pane at a time");
  await anna.sees("Touch this");

  // The message itself is the button; its small buttons are for mice.
  assert.equal(await page.locator(".tools").first().isVisible(), false);
  await anna.message("Touch this").locator(".bubble").tap();
  await page.getByRole("menu").waitFor();
  for (const item of await page.getByRole("menuitem").all()) {
    const { height } = await item.boundingBox();
    assert.ok(height >= 40, `a menu's item is ${height} high`);
  }
  await page.getByRole("button", { name: "heart" }).tap();
  await bob.page.locator(".reaction", { hasText: "❤️" }).waitFor();
  await page.locator(".reaction").tap();
  await bob.page.locator(".reaction").waitFor({ state: "detached" });

  // Touching beside an open menu closes it and does nothing else.
  await anna.message("Touch this").locator(".bubble").tap();
  await page.getByRole("menu").waitFor();
  await page.locator(".room-bar").tap({ position: { x: 380, y: 10 } });
  await page.getByRole("menu").waitFor({ state: "detached" });

  // Answered by touch; the line breaks with Enter, and the button sends.
  await anna.message("Touch this").locator(".bubble").tap();
  await page.getByRole("menuitem", { name: "Reply" }).tap();
  await anna.composer.fill("One");
  await anna.composer.press("Enter");
  await anna.composer.pressSequentially("two");
  assert.equal(await anna.composer.inputValue(), "One\ntwo");
  await page.getByRole("button", { name: "Send" }).tap();
  await bob.page.locator(".quote", { hasText: "Touch this" }).waitFor();
  assert.match(await bob.message("two").locator(".body").innerText(), /One\ntwo/);

  // A link in a message is a link, not the message.
  await bob.say("See https://example.org/");
  await anna.sees("example.org");
  assert.equal(await page.locator(".body a").getAttribute("target"), "_blank");

  // Back to the list, and its menu by a long touch.
  await page.getByRole("link", { name: "Back to the conversations" }).tap();
  await entry.waitFor();
  await entry.dispatchEvent("contextmenu");
  await page.getByRole("menuitem", { name: "Mute", exact: true }).tap();
  await page.locator(".conversations .flag", { hasText: "Muted" }).waitFor();
  anna.isFine();
  bob.isFine();
});

test("on a slow network nothing is done twice, and a menu learns that its message has arrived", TIMEOUT, async (t) => {
  const { browser, server, bob } = await two(t, { store: "memory" });
  const carol = await Person.open(browser, server.url);
  const { page } = carol;
  // Everything that the server says takes its time.
  await page.addInitScript(() => {
    const Fast = WebSocket;
    window.WebSocket = class extends Fast {
      set onmessage(listen) {
        super.onmessage = (event) => setTimeout(() => listen(event), 700);
      }
    };
  });
  await page.reload();
  await carol.signUp("carol", "Carol Winter");
  await page.getByRole("button", { name: "New conversation" }).click();
  await page.getByLabel("Find someone by name").fill("Bob Stone");
  const found = page.getByRole("dialog").locator(".person");
  await found.dblclick();
  await carol.isIn("Bob Stone");
  await carol.say("On its way");
  const message = carol.message("On its way");
  await message.hover();
  await message.locator(".more").click();
  await page.getByRole("menuitem", { name: "Take back" }).click();
  await carol.sees("You took this message back.");
  await page.getByRole("button", { name: "New conversation" }).click();
  await page.getByRole("button", { name: "New group" }).click();
  await page.getByLabel("Name of the group").fill("Once");
  await page.getByRole("button", { name: "Create group" }).dblclick();
  await carol.isIn("Once");
  await page.locator(".conversations a").nth(1).waitFor();
  assert.equal(await page.locator(".conversations a", { hasText: "Once" }).count(), 1);
  await bob.page.locator(".conversations a", { hasText: "Carol Winter" }).waitFor();
  for (const person of [bob, carol]) person.isFine();
});
