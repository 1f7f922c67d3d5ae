/** Conversations that have a bit of everything, as a person called Anna sees them. */

import { startProxy } from "./proxy.mjs";
import { Person, startBrowser, startServer } from "./support.mjs";

export async function world(t) {
  const server = await startServer({ store: "memory" });
  const proxy = await startProxy(server.port);
  const browser = await startBrowser();
  t.after(async () => {
    await browser.close();
    await proxy.stop();
    await server.stop();
  });
  const someone = async (user, name) => (await Person.open(browser, server.url)).signUp(user, name);
  const bob = await someone("bobby", "Bob Stone");
  const chloe = await someone("chloe", "Chloé Moreau-Dubois");
  const dina = await someone("dina", "דינה לוי");
  const anna = await (await Person.open(browser, proxy.url, { viewport: { width: 1440, height: 900 } })).signUp("anna", "Anna Berg");

  await chloe.writeTo("Anna Berg");
  await chloe.say("Did you see the photos from Saturday? I put them on the drive, in the folder with the long name");
  await chloe.say("No hurry 🙂");
  await dina.writeTo("Anna Berg");
  await dina.say("שלום, מה שלומך היום?");

  await anna.createGroup("Sailing club", ["Bob Stone", "Chloé Moreau-Dubois", "דינה לוי"]);
  await anna.say("Hello everyone! The plan for *Sunday*:\n- **09:00** meet at the pier\n- 09:30 sail to the island\n- 13:00 lunch, bring something");
  await bob.open("Sailing club");
  await bob.say("I'll be there ⛵");
  await bob.say("The forecast is at https://example.org/a-very-long-address/with/many/parts/that/does-not-break-by-itself");
  await chloe.open("Sailing club");
  await chloe.composer.pressSequentially("Great, @an");
  await chloe.composer.press("Enter");
  await chloe.composer.pressSequentially("shall I bring the `charts`?");
  await chloe.composer.press("Enter");
  await dina.open("Sailing club");
  await dina.say("אני אביא קפה ועוגה");
  await anna.sees("אני אביא קפה");
  await anna.choose("shall I bring", "Reply");
  await anna.say("Yes please, and the big one too");
  await react(bob, "lunch, bring something", "party");
  await react(chloe, "lunch, bring something", "party");
  await react(anna, "I'll be there", "thumbs up");

  await anna.writeTo("Bob Stone");
  await anna.say("How do I print something in Rust?");
  await bob.open("Anna Berg");
  await bob.say("Like this:\n```\nfn main() {\n    println!(\"Hello from a line that is long enough to need its own scroll bar on any phone there is\");\n}\n```");
  await bob.say("> print something\nThat's *all* there is to it");
  await anna.say("🎉");
  await anna.say("Thanksalotforthisverylongwordthathasnospacesanywhereandmustbreaksomehowsomewhereinthebubble");
  await bob.say("Never mind this one");
  await bob.choose("Never mind this one", "Take back");
  await anna.sees("This message was taken back.");
  await anna.choose("How do I print", "Edit");
  await anna.say("How do I print a line in Rust?");
  await bob.page.locator(".room-head").click();
  await bob.page.getByRole("button", { name: "Block Anna Berg" }).click();
  await bob.page.getByRole("button", { name: "Unblock" }).first().waitFor();
  await anna.say("Can you still read me?");
  await anna.page.locator('.row.own[data-status="failed"]').waitFor();
  await bob.page.getByRole("button", { name: "Unblock" }).first().click();
  await people(anna);
  return { server, proxy, browser, anna, bob, chloe, dina };
}

/** Anna has contacts, an invitation, and a link to the group. */
async function people({ page }) {
  await page.getByRole("link", { name: "Contacts" }).click();
  for (const name of ["Bob Stone", "Chloé Moreau-Dubois"]) {
    await page.getByLabel("Add someone").fill(name);
    await page.getByRole("button", { name: `Add ${name}` }).click();
    await page.locator(".member", { hasText: name }).waitFor();
  }
  await page.getByLabel("E-mail address").fill("friedrich.wilhelm.von.hohenzollern@example.org");
  await page.getByLabel("Name, if you like").fill("Fritz");
  await page.getByRole("button", { name: "Make an invitation" }).click();
  await page.locator(".sessions .member").first().waitFor();
  await page.locator(".conversations a", { hasText: "Sailing club" }).click();
  await page.locator(".room-head", { hasText: "Sailing club" }).click();
  await page.getByRole("button", { name: "Make a link" }).click();
  await page.getByRole("button", { name: "Make the link" }).click();
  await page.locator(".link-row").waitFor();
}

async function react(person, text, emoji) {
  const message = await person.menu(text);
  await person.page.getByRole("button", { name: emoji }).click();
  await message.locator(".reaction.mine").waitFor();
}
