/** Contacts, invitations, links, and the administration of groups. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Person, two } from "./support.mjs";

const TIMEOUT = { timeout: 180_000 };

/** Opens what is about the conversation that is open. */
async function about({ page }) {
  await page.locator(".room-head").click();
  await page.getByRole("heading", { name: "About" }).waitFor();
}

/** Chooses something to do with a member of the group whose page is open. */
async function manage({ page }, name, item) {
  await page.getByRole("button", { name: `What to do with ${name}` }).click();
  await page.getByRole("menuitem", { name: item }).click();
}

/** Returns the link that was just copied, as its owner would paste it. */
const pasted = ({ page }) => page.evaluate(() => navigator.clipboard.readText());

async function allowClipboard({ context }) {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
}

test("contacts have nicknames, everywhere and after a reload", TIMEOUT, async (t) => {
  const { anna, bob } = await two(t);
  const { page } = anna;
  await page.getByRole("link", { name: "Contacts" }).click();
  await page.getByLabel("Add someone").fill("Bob");
  await page.getByRole("button", { name: "Add Bob Stone" }).click();
  await page.getByText("Bob Stone is a contact now.").waitFor();
  await manage(anna, "Bob Stone", "Give a nickname");
  await page.getByLabel("What you call Bob Stone").fill("Bobsie");
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator(".member", { hasText: "Bobsie" }).getByText("Bob Stone").waitFor();
  await page.locator(".conversations a", { hasText: "Bobsie" }).waitFor();
  await page.reload();
  await page.locator(".conversations a", { hasText: "Bobsie" }).waitFor();

  // The other has Anna in the list, under her own name.
  await bob.page.getByRole("link", { name: "Contacts" }).click();
  await bob.page.locator(".member", { hasText: "Anna Berg" }).waitFor();
  await page.locator(".member .person", { hasText: "Bobsie" }).click();
  await anna.isIn("Bobsie");
  await about(anna);
  await page.getByRole("button", { name: "In your contacts" }).click();
  await page.getByRole("menuitem", { name: "Remove from contacts" }).click();
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await anna.isIn("Bob Stone");
  await page.getByRole("button", { name: "Add to contacts" }).waitFor();
  anna.isFine();
  bob.isFine();
});

test("an invitation brings somebody in, once", TIMEOUT, async (t) => {
  const { browser, anna, bob } = await two(t);
  await allowClipboard(anna);
  const { page } = anna;
  await page.getByRole("link", { name: "Contacts" }).click();
  for (const address of ["carol@example.com", "bob@example.com"]) {
    await page.getByLabel("E-mail address").fill(address);
    await page.getByRole("button", { name: "Make an invitation" }).click();
    await page.locator(".sessions .member", { hasText: address }).waitFor();
  }
  const copyOf = async (address) => {
    await page.locator(".sessions .member", { hasText: address }).getByRole("button", { name: "Copy link" }).click();
    return pasted(anna);
  };
  const carol = await Person.open(browser, await copyOf("carol@example.com"));
  await carol.page.getByText("You were invited.").waitFor();
  await carol.page.getByLabel("User name").fill("carol");
  await carol.page.getByLabel("Your name").fill("Carol Winter");
  await carol.page.getByLabel("Password").fill("correct-horse");
  await carol.page.locator("form .primary").click();
  await carol.page.locator(".conversations a", { hasText: "Anna Berg" }).waitFor();
  await page.locator(".conversations a", { hasText: "Carol Winter" }).waitFor();

  // Bob has an account already.
  await bob.page.goto(await copyOf("bob@example.com"));
  await bob.page.getByRole("button", { name: "Accept the invitation" }).click();
  await bob.isIn("Anna Berg");
  await page.reload();
  await page.locator(".sessions .member", { hasText: "bob@example.com" }).getByText("Accepted").waitFor();
  await page.locator(".member .person", { hasText: "Carol Winter" }).waitFor();
  await page.getByLabel("E-mail address").fill("dave@example.com");
  await page.getByRole("button", { name: "Make an invitation" }).click();
  const third = page.locator(".sessions .member", { hasText: "dave@example.com" });
  const link = await copyOf("dave@example.com");
  await third.getByRole("button", { name: "Revoke" }).click();
  await third.waitFor({ state: "detached" });
  await carol.page.goto(link);
  await carol.page.getByRole("button", { name: "Accept the invitation" }).click();
  await carol.page.getByText("This link does not work any more").waitFor();
  for (const person of [anna, bob, carol]) person.isFine();
});

test("a group by a link, with its moderation", TIMEOUT, async (t) => {
  const { browser, server, anna, bob } = await two(t);
  await allowClipboard(anna);
  const { page } = anna;
  await anna.createGroup("Sailing", []);
  await about(anna);
  await page.getByRole("button", { name: "Make a link" }).click();
  await page.getByLabel("It can be used").selectOption("10 times");
  await page.getByRole("button", { name: "Make the link" }).click();
  await page.getByText("Used 0 of 10 times").waitFor();
  const link = await pasted(anna);
  assert.match(link, /#\/join\/[\w-]+$/);
  await bob.page.goto(link);
  await bob.page.getByRole("button", { name: "Join the group" }).click();
  await bob.isIn("Sailing");
  await page.getByText("Members (2)").waitFor();

  // Muted, and not any more.
  await manage(anna, "Bob Stone", "Mute…");
  await page.getByLabel("For how long").selectOption("1 day");
  await page.getByRole("button", { name: "Mute", exact: true }).click();
  await bob.page.getByText("You are muted here until").waitFor();
  assert.equal(await bob.composer.count(), 0);
  await manage(anna, "Bob Stone", "Unmute");
  await bob.composer.waitFor();
  await bob.say("Thank you");
  await anna.sees("Thank you");

  // Slow mode is shown where one writes.
  await page.getByLabel("Slow mode").selectOption("30 seconds");
  await bob.page.getByPlaceholder("Message, one every 30 seconds").waitFor();
  await page.getByLabel("Slow mode").selectOption("Off");
  await bob.page.getByPlaceholder("Message", { exact: true }).waitFor();

  // Banned: no link lets in, an invitation lifts it.
  await manage(anna, "Bob Stone", "Ban");
  await page.getByRole("button", { name: "Ban", exact: true }).click();
  await bob.page.locator(".conversations a", { hasText: "Sailing" }).waitFor({ state: "detached" });
  await bob.page.goto("about:blank");
  await bob.page.goto(link);
  await bob.page.getByRole("button", { name: "Join the group" }).click();
  await bob.page.getByText("You were banned from this group.").waitFor();
  await page.getByLabel("Invite someone").fill("Bob");
  await page.locator(".person", { hasText: "Bob Stone" }).click();
  await page.getByRole("button", { name: "Lift the ban" }).click();
  await page.getByText("Members (2)").waitFor();

  // Kicked, and back by the link; then it is revoked.
  await manage(anna, "Bob Stone", "Remove from the group");
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await page.getByText("Members (1)").waitFor();
  await bob.page.getByRole("button", { name: "Join the group" }).click();
  await bob.isIn("Sailing");
  await page.locator(".link-row").getByRole("button", { name: "Revoke" }).click();
  await page.getByText("Nobody can join by a link.").waitFor();
  const carol = await (await Person.open(browser, server.url)).signUp("carol", "Carol Winter");
  await carol.page.goto(link);
  await carol.page.getByRole("button", { name: "Join the group" }).click();
  await carol.page.getByText("This link does not work any more").waitFor();

  // Owner and admin change places.
  await manage(anna, "Bob Stone", "Make owner");
  await page.getByRole("button", { name: "Make owner", exact: true }).click();
  await page.getByRole("button", { name: "Leave group" }).waitFor();
  await about(bob);
  await bob.page.getByText("To leave, make someone else the owner first.").waitFor();
  for (const person of [anna, bob, carol]) person.isFine();
});

test("notes, archive, mentions and messages that do not stay", TIMEOUT, async (t) => {
  const { anna, bob } = await two(t);
  const { page } = anna;
  await page.getByRole("button", { name: "New conversation" }).click();
  await page.getByRole("button", { name: "Notes to myself" }).click();
  await anna.isIn("Notes to myself");
  await anna.say("Buy a sail");
  await anna.isMarked("Buy a sail", "sent");
  await page.locator(".conversations a", { hasText: "Buy a sail" }).waitFor();

  // The list's own menu, by the mouse.
  const entry = page.locator(".conversations a", { hasText: "Notes to myself" });
  await anna.open("Bob Stone");
  await entry.click({ button: "right" });
  await page.getByRole("menuitem", { name: "Archive" }).click();
  await entry.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Archived (1)" }).click();
  await entry.click({ button: "right" });
  await page.getByRole("menuitem", { name: "Take out of the archive" }).click();
  await page.getByRole("button", { name: "Back to all conversations" }).click();
  await entry.waitFor();

  await anna.createGroup("Sailing", ["Bob Stone"]);
  await bob.open("Sailing");
  await bob.composer.pressSequentially("Ask @an");
  await bob.composer.press("Enter");
  await bob.composer.press("Enter");
  await page.getByRole("link", { name: "Mentions" }).click();
  await page.locator(".mentions a", { hasText: "Ask @Anna Berg" }).click();
  await anna.isIn("Sailing");
  await page.waitForFunction(() => document.activeElement?.textContent.includes("Ask @Anna Berg"));

  await about(anna);
  await page.getByLabel("Messages live, once read").selectOption("5 minutes");
  await bob.page.locator(".room-head .flag", { hasText: "Messages disappear 5 minutes after they were read" }).waitFor();
  anna.isFine();
  bob.isFine();
});

test("privacy, a status, and another user name", TIMEOUT, async (t) => {
  const { browser, server, anna, bob } = await two(t);
  const { page } = bob;
  await bob.open("Anna Berg");
  await anna.page.locator(".room-state", { hasText: "online" }).waitFor();
  await page.locator(".me").click();
  await page.getByLabel("Status").fill("Gone sailing");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").first().waitFor();
  await anna.page.reload();
  await anna.page.locator(".room-state", { hasText: "online · Gone sailing" }).waitFor();
  await page.getByLabel("Who sees when you are here").selectOption("Nobody");
  await page.getByLabel("Who finds you and can write first").selectOption("Nobody");
  await page.getByText("Saved.").nth(2).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Privacy" }).waitFor();
  assert.equal(await page.getByLabel("Who sees when you are here").inputValue(), "nobody");
  assert.equal(await page.getByLabel("Status").inputValue(), "Gone sailing");
  await anna.page.reload();
  await anna.isIn("Bob Stone");
  await anna.isOnline();
  await anna.page.waitForFunction(() => document.querySelector(".room-state").textContent === "");
  await anna.page.getByLabel("Search conversations and people").fill("Bob St");
  await anna.page.getByText("Nobody of this name.").waitFor();

  await page.getByLabel("New user name").fill("anna");
  await page.getByRole("button", { name: "Change", exact: true }).click();
  await page.getByText("This name is taken.").waitFor();
  await page.getByLabel("New user name").fill("robert");
  await page.getByRole("button", { name: "Change", exact: true }).click();
  await page.getByText("Log in with the new user name from now on.").waitFor();
  const again = await Person.open(browser, server.url);
  await again.page.getByLabel("User name").fill("robert");
  await again.page.getByLabel("Password").fill("correct-horse");
  await again.page.getByRole("button", { name: "Log in" }).click();
  await again.page.locator(".conversations a", { hasText: "Anna Berg" }).waitFor();
  for (const person of [anna, bob, again]) person.isFine();
});

test("who was given a password chooses another one first", TIMEOUT, async (t) => {
  const { browser, anna } = await two(t);
  await allowClipboard(anna);
  await anna.page.getByRole("link", { name: "Contacts" }).click();
  await anna.page.getByLabel("E-mail address").fill("carol@example.com");
  await anna.page.getByRole("button", { name: "Make an invitation" }).click();
  await anna.page.getByRole("button", { name: "Copy link" }).click();
  const link = await pasted(anna);
  const code = link.split("/").at(-1);
  const carol = await Person.open(browser, link);
  const { page } = carol;
  await page.getByLabel("User name").fill("carol");
  await page.getByLabel("Password").fill(code);
  await page.locator("form .primary").click();
  await page.getByRole("heading", { name: "Choose a password" }).waitFor();
  await page.getByLabel("The password you came with").fill(code);
  await page.getByLabel("Your new password").fill("battery-staple");
  await page.getByRole("button", { name: "Set the password" }).click();
  await page.locator(".conversations a", { hasText: "Anna Berg" }).waitFor();
  carol.isFine();
});
