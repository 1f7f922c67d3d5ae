/** What the tests share: the real server on a free port, a browser, and people who use the chat as people do. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

export const ROOT = resolve(import.meta.dirname, "../../..");
const TARGET = process.env.CARGO_TARGET_DIR ? resolve(ROOT, process.env.CARGO_TARGET_DIR) : join(ROOT, "target");
const MVCHAT = process.env.MVCHAT_BIN ?? join(TARGET, "debug", process.platform === "win32" ? "mvchat.exe" : "mvchat");
const BROWSERS = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Starts the server; `restart` kills it without a warning and starts it on the same port and data. */
export async function startServer({ store = "sled" } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "mvchat-web-"));
  const port = await freePort();
  let child;
  const start = async () => {
    child = spawn(MVCHAT, ["serve", "--listen", `127.0.0.1:${port}`, "--data-dir", folder, "--store", store, "--log", "warn"], {
      stdio: ["ignore", "pipe", "inherit"],
      // A test does in seconds what people do in minutes.
      env: { ...process.env, MVCHAT_LIMITS_RATES: "none" },
    });
    const lines = createInterface({ input: child.stdout });
    for await (const line of lines) if (line.includes("listening")) return;
    throw new Error("the server did not start");
  };
  const kill = async () => {
    const gone = new Promise((done) => child.once("exit", done));
    child.kill("SIGKILL");
    await gone;
  };
  await start();
  return {
    port,
    url: `http://127.0.0.1:${port}/`,
    kill,
    start,
    async stop() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await new Promise((done) => probe.once("listening", done));
  const { port } = probe.address();
  await new Promise((done) => probe.close(done));
  return port;
}

export function startBrowser() {
  const executablePath = BROWSERS.find((path) => path && existsSync(path));
  assert.ok(executablePath, "Chromium is not installed; install it, or name it in CHROMIUM");
  const args = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--force-color-profile=srgb"];
  return chromium.launch({ executablePath, args });
}

/** A person with a browser profile of their own. */
export class Person {
  static async open(browser, url, options = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-GB", ...options });
    context.setDefaultTimeout(20_000);
    const page = await context.newPage();
    const person = new Person(context, page, url);
    await page.goto(url);
    return person;
  }

  constructor(context, page, url) {
    this.context = context;
    this.page = page;
    this.url = url;
    this.problems = [];
    this.watch(page);
  }

  /** Whatever the page complains about is a failure, but for the network, which the tests take away. */
  watch(page) {
    page.on("pageerror", (error) => this.problems.push(String(error)));
    page.on("console", (message) => {
      const text = message.text();
      if (message.type() === "error" && !/WebSocket|net::ERR|Failed to load resource/.test(text)) this.problems.push(text);
    });
    page.on("request", (request) => {
      const { protocol, hostname } = new URL(request.url());
      if (protocol.startsWith("http") && hostname !== "127.0.0.1") this.problems.push(`asked ${request.url()}`);
    });
  }

  async signUp(user, name, password = "correct-horse") {
    const { page } = this;
    this.name = name;
    this.user = user;
    await page.getByRole("button", { name: "Sign up" }).click();
    await page.getByLabel("User name").fill(user);
    await page.getByLabel("Your name").fill(name);
    await page.getByLabel("Password").fill(password);
    await page.locator("form .primary").click();
    await page.getByRole("heading", { name: "Chats" }).waitFor();
    return this;
  }

  /** Opens the conversation with someone by searching for them. */
  async writeTo(name) {
    const { page } = this;
    await page.getByRole("button", { name: "New conversation" }).click();
    await page.getByLabel("Find someone by name").fill(name);
    await page.getByRole("dialog").getByRole("button", { name }).first().click();
    await this.isIn(name);
  }

  /** Waits until a conversation is what is on the screen: another one may have been there before. */
  async isIn(title) {
    await this.page.locator("dialog").waitFor({ state: "detached" });
    await this.page.locator(".room-title", { hasText: title }).waitFor();
    await this.page.locator(".timeline").waitFor();
  }

  async createGroup(title, names) {
    const { page } = this;
    await page.getByRole("button", { name: "New conversation" }).click();
    await page.getByRole("button", { name: "New group" }).click();
    await page.getByLabel("Name of the group").fill(title);
    for (const name of names) {
      await page.getByLabel("Add people").fill(name);
      await page.getByRole("dialog").getByRole("button", { name, exact: false }).last().click();
      await page.getByRole("button", { name: `Remove ${name}` }).waitFor();
    }
    await page.getByRole("button", { name: "Create group" }).click();
    await this.isIn(title);
  }

  /** Opens a conversation from the list. */
  async open(title) {
    await this.page.locator(".conversations a", { hasText: title }).first().click();
    await this.isIn(title);
  }

  get composer() {
    return this.page.locator(".composer textarea");
  }

  async say(text) {
    await this.composer.fill(text);
    await this.composer.press("Enter");
  }

  /** Finds the messages with a text, as they are shown. */
  message(text) {
    return this.page.locator(".row .message", { hasText: text });
  }

  async sees(text) {
    await this.message(text).first().waitFor();
  }

  /** Waits for the sign on one's own message. */
  async isMarked(text, status) {
    await this.page.locator(`.row.own[data-status="${status}"]`, { hasText: text }).first().waitFor();
  }

  /** Opens the menu of a message that the server has. */
  async menu(text) {
    const said = this.page.locator(".body", { hasText: text });
    const message = this.page.locator(".row[data-seq] .message", { has: said }).last();
    await message.hover();
    await message.locator(".more").click();
    return message;
  }

  /** Opens a message's menu and chooses an item of it. */
  async choose(text, item) {
    await this.menu(text);
    await this.page.getByRole("menuitem", { name: item }).click();
  }

  async isOnline() {
    await this.page.locator(".banner").waitFor({ state: "hidden" });
  }

  /** Asks for the next attempt now, unless the client was faster. */
  async tryNow() {
    const online = this.isOnline();
    await Promise.any([this.page.getByRole("button", { name: "Try now" }).click(), online]);
    await online;
  }

  texts() {
    return this.page.locator(".row .body").allInnerTexts();
  }

  /** Nothing went wrong that nobody saw. */
  isFine() {
    assert.deepEqual(this.problems, []);
  }
}

/**
 * Opens a server, a browser and two people who talk to each other; ends all of it after the test. `through` puts
 * something between them and the server, for Anna only if `bobDirect`.
 */
export async function two(t, { store, through, bobDirect } = {}) {
  const server = await startServer({ store });
  const browser = await startBrowser();
  t.after(async () => {
    await browser.close();
    await server.stop();
  });
  const url = through ? await through(server, t) : server.url;
  const anna = await (await Person.open(browser, url)).signUp("anna", "Anna Berg");
  const bob = await (await Person.open(browser, bobDirect ? server.url : url)).signUp("bobby", "Bob Stone");
  await anna.writeTo("Bob Stone");
  return { server, browser, anna, bob };
}
