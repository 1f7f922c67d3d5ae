/** Two people with two browsers talk. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { two } from "./support.mjs";

for (const store of ["memory", "sled"]) {
  test(`two people talk, on ${store}`, { timeout: 120_000 }, async (t) => {
    const { anna, bob } = await two(t, { store });
    await anna.say("Hello *Bob*, how are you?");
    await bob.page.locator(".conversations .badge", { hasText: "1" }).waitFor();
    assert.match(await bob.page.title(), /^\(1\)/);
    await anna.isMarked("how are you", "delivered");
    await bob.open("Anna Berg");
    await bob.sees("Hello Bob, how are you?");
    assert.equal(await bob.page.locator(".row em").innerText(), "Bob");
    await anna.isMarked("how are you", "read");
    await bob.composer.pressSequentially("Fi");
    await anna.page.getByText("typing…").waitFor();
    await bob.say("Fine, thanks");
    await anna.sees("Fine, thanks");
    await anna.page.locator("#announcer p", { hasText: "Bob Stone: Fine, thanks" }).waitFor({ state: "attached" });
    await bob.page.locator(".conversations .badge").waitFor({ state: "detached" });

    // Reactions, on both sides.
    await bob.choose("Hello Bob", "Reply");
    await bob.say("An answer");
    await anna.page.locator(".quote", { hasText: "Hello Bob" }).waitFor();
    await bob.menu("how are you?");
    await bob.page.getByRole("button", { name: "thumbs up" }).click();
    await anna.page.locator(".reaction", { hasText: "👍" }).waitFor();

    // Changing and taking back, with the time that is left.
    await anna.menu("how are you");
    assert.match(await anna.page.getByRole("menuitem", { name: "Edit" }).innerText(), /min left/);
    assert.match(await anna.page.getByRole("menuitem", { name: "Take back" }).innerText(), /10 min left|9 min left/);
    await anna.page.getByRole("menuitem", { name: "Edit" }).click();
    await anna.say("Hello Bob, how was it?");
    await bob.sees("how was it?");
    await bob.page.locator(".foot", { hasText: "edited" }).waitFor();
    await bob.choose("Fine, thanks", "Take back");
    await anna.sees("This message was taken back.");
    await bob.choose("An answer", "Delete for everyone");
    await bob.page.getByRole("button", { name: "Delete", exact: true }).click();
    await anna.sees("This message was deleted.");
    anna.isFine();
    bob.isFine();
  });
}

test("a group with mentions, roles and leaving", { timeout: 120_000 }, async (t) => {
  const { anna, bob } = await two(t);
  await anna.createGroup("Sailing", ["Bob Stone"]);
  await bob.page.locator(".conversations a", { hasText: "Sailing" }).waitFor();
  await anna.composer.pressSequentially("Ahoy @bo");
  await anna.page.getByRole("option", { name: "Bob Stone" }).waitFor();
  await anna.composer.press("Enter");
  assert.equal(await anna.composer.inputValue(), "Ahoy @Bob Stone ");
  await anna.composer.press("Enter");
  await bob.open("Sailing");
  await bob.page.locator(".mention.mine", { hasText: "@Bob Stone" }).waitFor();

  await anna.page.locator(".room-head").click();
  await anna.page.getByRole("button", { name: "What to do with Bob Stone" }).click();
  await anna.page.getByRole("menuitem", { name: "Make admin" }).click();
  await anna.page.locator(".role", { hasText: "admin" }).waitFor();
  await anna.page.getByLabel("Name of the group").fill("Sailing 2027");
  await anna.page.getByRole("button", { name: "Rename" }).click();
  await bob.page.getByRole("heading", { name: "Sailing 2027" }).waitFor();
  await bob.page.locator(".room-head").click();
  await bob.page.getByRole("button", { name: "Leave group" }).click();
  await bob.page.getByRole("button", { name: "Leave", exact: true }).click();
  await bob.page.locator(".conversations a", { hasText: "Sailing" }).waitFor({ state: "detached" });
  await anna.page.getByText("Members (1)").waitFor();
  anna.isFine();
  bob.isFine();
});
