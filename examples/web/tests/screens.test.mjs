/** Every screen, light and dark, on three widths: accessible, nothing cut, and a picture of it. */

import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { misfits } from "./layout.mjs";
import { Person, ROOT } from "./support.mjs";
import { world } from "./world.mjs";

const SIZES = [["phone", 360, 740], ["tablet", 768, 1024], ["desktop", 1440, 900]];
const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], rules: { "landmark-unique": { enabled: true } } };
const PICTURES = join(ROOT, "target", "screenshots");

/** What there is to see; `anna` has everything, `nobody` stands before the door, `newcomer` has just come in. */
const SCREENS = [
  ["login", "nobody", async ({ page }) => {
    await page.reload();
    await page.getByRole("heading", { name: "Welcome" }).waitFor();
  }],
  ["signup", "nobody", async ({ page }) => {
    await page.reload();
    await page.getByRole("button", { name: "Sign up" }).click();
    await page.getByLabel("Your name").waitFor();
  }],
  ["empty", "newcomer", (person) => go(person, "#/")],
  ["list", "anna", (person) => go(person, "#/")],
  ["search", "anna", async (person) => {
    await go(person, "#/");
    await person.page.getByLabel("Search conversations").fill("Bob");
    await person.page.locator(".found .person").first().waitFor();
  }],
  ["direct", "anna", (person) => conversation(person, "Bob Stone")],
  ["group", "anna", (person) => conversation(person, "Sailing club")],
  ["direct-info", "anna", async (person) => {
    await conversation(person, "Bob Stone");
    await person.page.locator(".room-head").click();
    await person.page.getByText("Clear history").waitFor();
  }],
  ["group-info", "anna", async (person) => {
    await conversation(person, "Sailing club");
    await person.page.locator(".room-head").click();
    await person.page.getByText("Members (4)").waitFor();
    await person.page.locator(".link-row").waitFor();
  }],
  ["menu", "anna", async (person) => {
    await conversation(person, "Sailing club");
    await menuOf(person, "and the big one too");
  }],
  ["emoji", "anna", async (person) => {
    await conversation(person, "Sailing club");
    await person.page.getByRole("button", { name: "Insert an emoji" }).click();
    await person.page.locator(".emoji-grid").waitFor();
  }],
  ["mentions", "anna", async (person) => {
    await conversation(person, "Sailing club");
    await person.composer.pressSequentially("@");
    await person.page.getByRole("option").first().waitFor();
  }],
  ["reply", "anna", async (person) => {
    await conversation(person, "Sailing club");
    await menuOf(person, "The forecast is at");
    await person.page.getByRole("menuitem", { name: "Reply" }).click();
  }],
  ["delete", "anna", async (person) => {
    await conversation(person, "Sailing club");
    await menuOf(person, "and the big one too");
    await person.page.getByRole("menuitem", { name: "Delete for everyone" }).click();
  }],
  ["report", "anna", async (person) => {
    await conversation(person, "Sailing club");
    await menuOf(person, "The forecast is at");
    await person.page.getByRole("menuitem", { name: "Report" }).click();
  }],
  ["new", "anna", async (person) => {
    await go(person, "#/");
    await person.page.getByRole("button", { name: "New conversation" }).click();
    await person.page.getByLabel("Find someone by name").fill("bob");
    await person.page.getByRole("dialog").locator(".person").first().waitFor();
  }],
  ["new-group", "anna", async (person) => {
    await go(person, "#/");
    await person.page.getByRole("button", { name: "New conversation" }).click();
    await person.page.getByRole("button", { name: "New group" }).click();
    await person.page.getByLabel("Add people").fill("Bob");
    await person.page.getByRole("dialog").locator(".person").first().click();
    await person.page.locator(".chip").waitFor();
  }],
  ["contacts", "anna", async (person) => {
    await go(person, "#/contacts");
    await person.page.locator(".member", { hasText: "Bob Stone" }).waitFor();
    await person.page.locator(".sessions .member").first().waitFor();
  }],
  ["mentioned", "anna", async (person) => {
    await go(person, "#/mentions");
    await person.page.locator(".mentions a").first().waitFor();
  }],
  ["join", "anna", async (person) => {
    await go(person, "#/join/nothing");
    await person.page.getByRole("button", { name: "Join the group" }).click();
    await person.page.getByText("This link does not work any more").waitFor();
  }],
  ["link", "anna", async (person) => {
    await conversation(person, "Sailing club");
    await person.page.locator(".room-head").click();
    await person.page.getByRole("button", { name: "Make a link" }).click();
    await person.page.getByLabel("It ends after").waitFor();
  }],
  ["mute", "anna", async (person) => {
    await conversation(person, "Sailing club");
    await person.page.locator(".room-head").click();
    await person.page.getByRole("button", { name: "What to do with Bob Stone" }).click();
    await person.page.getByRole("menuitem", { name: "Ban" }).waitFor();
  }],
  ["invited", "nobody", async ({ page }) => {
    await page.goto("about:blank");
    await page.goto(`${page.home}#/invite/code`);
    await page.getByText("You were invited").waitFor();
    await page.evaluate(() => history.replaceState(null, "", location.pathname));
  }],
  ["settings", "anna", async (person) => {
    await go(person, "#/settings");
    await person.page.getByText("This session").waitFor();
  }],
];

async function go({ page }, hash) {
  await page.goto("about:blank");
  await page.goto(`${page.home}${hash}`);
  await page.getByRole("heading", { name: "Chats", includeHidden: true }).waitFor({ state: "attached" });
  await page.locator(".conversations a, .sidebar .nothing").first().waitFor({ state: "attached" });
}

async function conversation(person, title) {
  await go(person, "#/");
  await person.open(title);
  await person.page.locator(".row").first().waitFor();
  await person.page.locator(".row.own .ticks.read, .row.own .ticks.failed").first().waitFor();
  await person.composer.fill("");
}

async function menuOf(person, text) {
  const message = person.message(text).last();
  await message.focus();
  await message.press("Enter");
  await person.page.getByRole("menu").waitFor();
}

/** Looks at what is there now. */
async function look(person, name, size, theme, axe) {
  const { page } = person;
  // Pictures show what stays, not what is on its way.
  await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {}))));
  if (size !== "tablet") await page.screenshot({ path: join(PICTURES, `${name}-${size}-${theme}.png`) });
  const wrong = (await page.evaluate(misfits)).map((what) => `layout: ${what}`);
  if (axe) {
    if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(AXE);
    const { violations } = await page.evaluate((rules) => window.axe.run(document, rules), RULES);
    for (const { id, nodes } of violations) {
      for (const node of nodes) wrong.push(`${id}: ${node.target.join(" ")}: ${node.any.concat(node.all, node.none).map(({ message }) => message).join("; ").slice(0, 200)}`);
    }
  }
  return wrong.map((what) => `${name}, ${size}, ${theme}: ${what}`);
}

test("all screens", { timeout: 600_000 }, async (t) => {
  await mkdir(PICTURES, { recursive: true });
  const { proxy, browser, anna, server } = await world(t);
  const people = {
    anna,
    nobody: await Person.open(browser, server.url),
    newcomer: await (await Person.open(browser, server.url)).signUp("newcomer", "Nadia"),
  };
  for (const person of Object.values(people)) {
    person.page.home = person.url;
    person.page.setDefaultTimeout(15_000);
    await person.page.context().grantPermissions(["clipboard-write"]);
  }
  const only = process.env.SCREENS?.split(",");
  for (const [size, width, height] of SIZES) {
    for (const theme of ["light", "dark"]) {
      await t.test(`${size}, ${theme}`, async () => {
        const wrong = [];
        // What is between phone and desktop has the colours of both.
        const axe = size !== "tablet" || theme === "light";
        for (const [name, who, open] of SCREENS) {
          if (only && !only.includes(name)) continue;
          const person = people[who];
          await person.page.setViewportSize({ width, height });
          await person.page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
          try {
            await open(person);
            wrong.push(...(await look(person, name, size, theme, axe)));
          } catch (error) {
            wrong.push(`${name}, ${size}, ${theme}: cannot be opened: ${error.message}`);
          }
        }
        if (!only || only.includes("offline")) {
          await conversation(anna, "Bob Stone");
          proxy.refuse(true);
          proxy.cut();
          await anna.page.locator(".banner", { hasText: "Next try" }).waitFor();
          wrong.push(...(await look(anna, "offline", size, theme, axe)));
          proxy.refuse(false);
          await anna.tryNow();
        }
        assert.deepEqual(wrong, []);
      });
    }
  }
  for (const person of Object.values(people)) person.isFine();
});
