/** Chromium, and a server for what it shows. */

import { createServer } from "node:http";
import { access, readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { chromium } from "playwright-core";

/** What the package asks of a page's content security policy, and nothing more. */
const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; img-src data:";
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".wasm": "application/wasm" };
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export async function openBrowser() {
  const executablePath = process.env.CHROMIUM ?? (await firstThere(PLACES));
  if (!executablePath) throw new Error("there is no Chromium: apt-get install chromium, or say where it is in CHROMIUM");
  const args = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking"];
  return chromium.launch({ executablePath, args });
}

async function firstThere(paths) {
  for (const path of paths) {
    if (await access(path).then(() => true, () => false)) return path;
  }
}

/**
 * Opens a page and waits until its app tells how it went. Everything that the page complains about counts.
 * @returns {Promise<void>}
 */
export async function visit(browser, url) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const complaints = [];
  try {
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    const told = page.waitForEvent("console", { predicate: (said) => said.text().startsWith("matrix: "), timeout: 30_000 });
    const broke = page.waitForEvent("pageerror", { timeout: 0 }).then((error) => Promise.reject(error));
    // Whichever comes second is of no interest.
    for (const end of [told, broke]) end.catch(() => {});
    const [said] = await Promise.all([Promise.race([told, broke]), page.goto(url)]);
    if (said.text() !== "matrix: ok") complaints.unshift(said.text());
  } catch (error) {
    complaints.push(error.message);
  } finally {
    await context.close();
  }
  if (complaints.length > 0) throw new Error(complaints.join("\n"));
}

/** Serves a folder under the strict policy while `use` runs. */
export async function served(folder, use) {
  const server = createServer(async ({ url }, response) => {
    const path = normalize(decodeURIComponent(new URL(url, "http://local").pathname));
    try {
      const body = await readFile(join(folder, path));
      const type = TYPES[extname(path)] ?? "application/octet-stream";
      response.writeHead(200, { "content-type": type, "content-security-policy": POLICY }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await use(`http://127.0.0.1:${server.address().port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
