/** What else the chat does: history, unread marks, text that wants to be more than text, sessions. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Person, two } from "./support.mjs";

const TIMEOUT = { timeout: 180_000 };

test("text stays text, and Markdown becomes elements", TIMEOUT, async (t) => {
  const { anna, bob } = await two(t, { store: "memory" });
  await bob.open("Anna Berg");
  await anna.say('<img src=x onerror="document.title=1"> <b>not bold</b>');
  await anna.say("[click me](javascript:alert(1)) and [here](https://example.org/a_b_c)");
  await anna.say("**bold *both*** ~~gone~~ `*code*` snake_case_name 2*3*4");
  await anna.say("```\nlet x = **1**;\n```");
  await anna.say("1. one\n2. two");
  await bob.sees("2*3*4");
  await bob.page.locator(".row ol li", { hasText: "two" }).waitFor();
  assert.equal(await bob.page.locator(".body img, .body b, .body script").count(), 0);
  await bob.sees("<b>not bold</b>");
  const links = await bob.page.locator(".body a").evaluateAll((all) => all.map((link) => [link.href, link.rel, link.textContent]));
  assert.deepEqual(links, [["https://example.org/a_b_c", "noopener noreferrer", "here"]]);
  assert.equal(await bob.page.locator(".body strong").first().innerText(), "bold both");
  assert.equal(await bob.page.locator(".body s").innerText(), "gone");
  assert.deepEqual(await bob.page.locator(".body code").allInnerTexts(), ["*code*", "let x = **1**;"]);
  assert.equal(await bob.page.locator(".body em").count(), 1);
  anna.isFine();
  bob.isFine();
});

test("a long history, and the place of what is new", TIMEOUT, async (t) => {
  const { anna, bob } = await two(t, { store: "memory" });
  await anna.say("The very first");
  for (let n = 1; n <= 130; n++) await anna.say(`Message ${n}`);
  await anna.isMarked("Message 130", "delivered");
  await bob.page.locator(".badge", { hasText: "131" }).waitFor();
  await bob.page.reload();
  await bob.open("Anna Berg");
  await bob.sees("Message 130");
  assert.ok((await bob.page.locator(".row").count()) < 131, "not everything is loaded at once");

  // Upwards, page by page, without a jump of what is looked at.
  const scroller = bob.page.locator(".scroller");
  while ((await bob.message("The very first").count()) === 0) {
    await scroller.evaluate((node) => (node.scrollTop = 0));
    await bob.page.waitForFunction(() => document.querySelector(".scroller").scrollTop > 0 || document.querySelector(".top").textContent.startsWith("This is"));
  }
  await bob.page.getByText("This is where it began.").waitFor();
  const texts = await bob.texts();
  assert.equal(texts.length, 131);
  assert.equal(new Set(texts).size, 131);

  // An answer to the first leads back to it; the arrow leads to the newest.
  await bob.choose("The very first", "Reply");
  await bob.say("I remember that");
  await anna.sees("I remember that");
  await anna.page.reload();
  await anna.page.locator(".quote", { hasText: "The very first" }).click();
  await anna.page.waitForFunction(() => document.activeElement?.textContent.includes("The very first"));
  await anna.page.getByRole("button", { name: "Jump to the newest message" }).click();
  await anna.page.waitForFunction(() => {
    const node = document.querySelector(".scroller");
    return node.scrollTop + node.clientHeight > node.scrollHeight - 10;
  });

  // What comes while one reads another conversation is below a line.
  await anna.page.getByRole("button", { name: "New conversation" }).click();
  await anna.page.getByRole("button", { name: "Notes to myself" }).click();
  await anna.page.getByRole("heading", { name: "Notes to myself" }).waitFor();
  await bob.say("Something new");
  await anna.page.locator(".conversations .badge", { hasText: "1" }).waitFor();
  await anna.open("Bob Stone");
  await anna.page.locator(".divider.unread").waitFor();
  await bob.page.locator(".row.own[data-status=read]", { hasText: "Something new" }).waitFor();
  anna.isFine();
  bob.isFine();
});

test("profile, password and sessions", TIMEOUT, async (t) => {
  const { server, browser, anna, bob } = await two(t, { store: "sled" });
  const other = await Person.open(browser, server.url);
  await other.page.getByLabel("User name").fill("anna");
  await other.page.getByLabel("Password").fill("wrong-horse");
  await other.page.getByRole("button", { name: "Log in" }).click();
  await other.page.getByText("The name or the password is wrong.").waitFor();
  await other.page.getByLabel("Password").fill("correct-horse");
  await other.page.getByRole("button", { name: "Log in" }).click();
  await other.page.getByRole("heading", { name: "Chats" }).waitFor();

  await other.page.locator(".conversations a", { hasText: "Bob Stone" }).click();
  await other.composer.fill("Begun and not sent");
  await anna.page.locator(".me").click();
  await anna.page.getByLabel("Your name").fill("Anna Lind");
  await anna.page.getByRole("button", { name: "Save" }).click();
  await anna.page.locator(".me", { hasText: "Anna Lind" }).waitFor();
  await anna.page.locator(".sessions li").nth(1).waitFor();
  await anna.page.locator(".sessions").getByRole("button", { name: "Log out" }).click();
  await other.page.getByText("You are logged out.").waitFor();
  await anna.page.getByLabel("Old password").fill("correct-horse");
  await anna.page.getByLabel("New password").fill("battery-staple");
  await anna.page.getByRole("button", { name: "Change password" }).click();
  await anna.page.getByText("The password was changed.").waitFor();
  await anna.page.reload();
  await anna.page.locator(".me", { hasText: "Anna Lind" }).waitFor();
  await other.page.getByLabel("User name").fill("anna");
  await other.page.getByLabel("Password").fill("battery-staple");
  await other.page.getByRole("button", { name: "Log in" }).click();
  await other.page.locator(".conversations a", { hasText: "Bob Stone" }).click();
  assert.equal(await other.composer.inputValue(), "", "what was begun before the session ended is gone");
  for (const person of [anna, bob, other]) person.isFine();
});
