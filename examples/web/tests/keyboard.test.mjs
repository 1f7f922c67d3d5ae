/** Everything without a mouse. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Person, startBrowser, startServer } from "./support.mjs";

/** Presses Tab until something has the focus. */
async function tabTo(page, locator, key = "Tab") {
  for (let presses = 0; presses < 60; presses++) {
    if ((await locator.count()) > 0 && (await locator.first().evaluate((node) => node === document.activeElement))) return;
    await page.keyboard.press(key);
  }
  assert.fail(`Tab never comes to ${locator}`);
}

test("by keyboard alone", { timeout: 120_000 }, async (t) => {
  const server = await startServer({ store: "memory" });
  const browser = await startBrowser();
  t.after(async () => {
    await browser.close();
    await server.stop();
  });
  const bob = await (await Person.open(browser, server.url)).signUp("bobby", "Bob Stone");
  const anna = await Person.open(browser, server.url);
  const { page } = anna;
  const { keyboard } = page;

  // Sign up.
  await tabTo(page, page.getByRole("button", { name: "Sign up" }));
  await keyboard.press("Enter");
  await keyboard.type("anna");
  await keyboard.press("Tab");
  await keyboard.type("Anna Berg");
  await keyboard.press("Tab");
  await keyboard.type("correct-horse");
  await keyboard.press("Enter");

  // Begin a conversation.
  await page.getByRole("heading", { name: "Chats" }).waitFor();
  await tabTo(page, page.getByRole("button", { name: "New conversation" }));
  await keyboard.press("Enter");
  await keyboard.type("bob");
  const found = page.getByRole("dialog").locator(".person", { hasText: "Bob Stone" });
  await found.waitFor();
  await tabTo(page, found);
  await keyboard.press("Enter");
  await anna.composer.waitFor();
  await page.waitForFunction(() => document.activeElement?.matches(".composer textarea"));
  await keyboard.type("First");
  await keyboard.press("Enter");
  await keyboard.type("Second");
  await keyboard.press("Enter");
  await anna.isMarked("Second", "delivered");
  await bob.open("Anna Berg");
  await bob.say("Answer me");
  await anna.sees("Answer me");

  // Among the messages: the newest is one Shift+Tab away, arrows go further, Enter opens the menu, Escape comes back.
  const article = (text) => page.locator(".message", { hasText: text });
  await tabTo(page, article("Second"), "Shift+Tab").catch(() => {});
  await tabTo(page, page.locator(".message:focus"), "Shift+Tab");
  await keyboard.press("End");
  assert.ok(await article("Answer me").evaluate((node) => node === document.activeElement));
  await keyboard.press("ArrowUp");
  await keyboard.press("Enter");
  await page.getByRole("menu").waitFor();
  await keyboard.press("Escape");
  assert.ok(await article("Second").evaluate((node) => node === document.activeElement));

  // React, with the first of the quick ones.
  await keyboard.press("Enter");
  await keyboard.press("Enter");
  await bob.page.locator(".reaction", { hasText: "👍" }).waitFor();

  // Edit: the menu's entry by the arrow keys.
  await keyboard.press("Enter");
  await tabToItem(page, "Edit");
  await keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement?.value === "Second");
  await keyboard.press("End");
  await keyboard.type(" thoughts");
  await keyboard.press("Enter");
  await bob.sees("Second thoughts");

  // Reply with r; arrow up in an empty field edits the last one; Escape leaves it.
  await tabTo(page, page.locator(".message:focus"), "Shift+Tab");
  await keyboard.press("End");
  await keyboard.press("r");
  await page.getByText("Reply to Bob Stone").waitFor();
  await keyboard.type("Answered");
  await keyboard.press("Enter");
  await bob.page.locator(".quote", { hasText: "Answer me" }).waitFor();
  await keyboard.press("ArrowUp");
  await page.getByText("Edit message").waitFor();
  await keyboard.press("Escape");
  assert.equal(await anna.composer.inputValue(), "");

  // About the conversation, and back with Escape.
  await tabTo(page, page.locator(".room-head"), "Shift+Tab");
  await keyboard.press("Enter");
  await page.getByRole("button", { name: "Block Bob Stone" }).waitFor();
  await tabTo(page, page.getByLabel("Muted"));
  await keyboard.press("Space");
  await page.locator(".conversations .flag", { hasText: "Muted" }).waitFor();
  await keyboard.press("Escape");
  await page.getByRole("button", { name: "Block Bob Stone" }).waitFor({ state: "detached" });

  // Settings and out.
  await tabTo(page, page.locator(".me"));
  await keyboard.press("Enter");
  await page.getByRole("heading", { name: "Settings" }).waitFor();
  await tabTo(page, page.getByLabel("As the system"));
  await keyboard.press("ArrowDown");
  await keyboard.press("ArrowDown");
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
  await tabTo(page, page.getByRole("button", { name: "Log out", exact: true }).last());
  await keyboard.press("Enter");
  await page.getByText("You are logged out.").waitFor();
  anna.isFine();
});

async function tabToItem(page, name) {
  for (let presses = 0; presses < 20; presses++) {
    if (await page.getByRole("menuitem", { name }).evaluate((node) => node === document.activeElement)) return;
    await page.keyboard.press("ArrowDown");
  }
  assert.fail(`the arrow keys never come to ${name}`);
}
