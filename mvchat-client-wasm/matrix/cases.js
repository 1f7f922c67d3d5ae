/** The places where the package has to work, each with its default entry, with `/url`, and with `/react`. */

import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import esbuild from "esbuild";
import webpack from "webpack";
import { served, visit } from "./browser.js";
import { page, run } from "./project.js";

/**
 * @typedef {object} Place
 * @property {import("playwright-core").Browser} browser
 * @property {string} folder The project.
 * @property {string} installed The package in it.
 *
 * @typedef {object} Case
 * @property {string} name
 * @property {(place: Place, entry: "default" | "url" | "react") => Promise<void>} try Fails if the app does not do its work.
 * @property {string} [url] What `/url` asks for.
 * @property {boolean} [noUrl] `/url` can't be had there.
 * @property {boolean} [noReact] `/react` can't be had there.
 */

/** @type {Case[]} */
export const CASES = [
  { name: "Vite 6 dev", try: viteDev("vite6"), url: "`optimizeDeps.exclude`" },
  { name: "Vite 6 build", try: viteBuild("vite6") },
  { name: "Vite 8 dev", try: viteDev("vite8") },
  { name: "Vite 8 build", try: viteBuild("vite8") },
  { name: "webpack 5", try: webpacked },
  { name: "esbuild", try: esbuilt, url: "copy `mvchat.wasm` beside the bundle" },
  { name: "Node import", try: node("mjs"), url: "pass the file as `wasm`" },
  { name: "Node require", try: node("cjs"), noUrl: true },
  { name: "script tag", try: tag, url: "a module script", noReact: true },
];

/** Makes a logger for Vite that takes note of what a user would be warned of. */
function noting(complaints) {
  const note = (text) => complaints.push(text);
  const quiet = () => {};
  return {
    info: quiet, warn: note, warnOnce: note, error: note, clearScreen: quiet, hasErrorLogged: () => false, hasWarned: false,
  };
}

function viteDev(version) {
  return async ({ browser, folder }, entry) => {
    const { createServer } = await import(version);
    const complaints = [];
    // Vite 6 moves what it prepares, but not the file that lies beside it.
    const exclude = version === "vite6" && entry === "url" ? ["mvchat-client"] : [];
    const server = await createServer({
      root: folder,
      configFile: false,
      cacheDir: join(folder, `.${version}-${entry}`),
      logLevel: "warn",
      customLogger: noting(complaints),
      optimizeDeps: { entries: [`${entry}.html`], exclude },
      server: { host: "127.0.0.1", port: 0, hmr: false },
    });
    try {
      await server.listen();
      await visit(browser, `http://127.0.0.1:${server.httpServer.address().port}/${entry}.html`);
    } finally {
      await server.close();
    }
    refuse(complaints);
  };
}

function viteBuild(version) {
  return async ({ browser, folder }, entry) => {
    const { build } = await import(version);
    const complaints = [];
    const outDir = join(folder, `${version}-${entry}`);
    await build({
      root: folder,
      configFile: false,
      logLevel: "warn",
      customLogger: noting(complaints),
      build: { outDir, rollupOptions: { input: join(folder, `${entry}.html`) }, chunkSizeWarningLimit: 2_000 },
    });
    refuse(complaints);
    await served(outDir, (origin) => visit(browser, `${origin}/${entry}.html`));
  };
}

async function webpacked({ browser, folder }, entry) {
  const path = join(folder, `webpack-${entry}`);
  const compiler = webpack({
    mode: "production",
    context: folder,
    entry: `./${entry}.js`,
    output: { path, filename: "app.js", publicPath: "auto" },
    performance: { hints: false },
  });
  const stats = await new Promise((resolve, reject) => {
    compiler.run((error, stats) => compiler.close(() => (error ? reject(error) : resolve(stats))));
  });
  const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true });
  refuse([...errors, ...warnings].map(({ message }) => message));
  await show(browser, path);
}

async function esbuilt({ browser, folder, installed }, entry) {
  const path = join(folder, `esbuild-${entry}`);
  const { warnings } = await esbuild.build({
    absWorkingDir: folder,
    entryPoints: [`${entry}.js`],
    outfile: join(path, "app.js"),
    bundle: true,
    minify: true,
    format: "esm",
    logLevel: "silent",
  });
  refuse(warnings.map(({ text }) => text));
  if (entry === "url") await copyFile(join(installed, "dist", "mvchat.wasm"), join(path, "mvchat.wasm"));
  await show(browser, path);
}

/** Shows a bundle in a page of its own. */
async function show(browser, path) {
  await writeFile(join(path, "index.html"), page("app.js"));
  await served(path, (origin) => visit(browser, `${origin}/index.html`));
}

function node(kind) {
  return async ({ folder }, entry) => {
    const { stdout, stderr } = await run(process.execPath, [`${entry}.${kind}`], { cwd: folder, timeout: 30_000 });
    if (stdout.trim() !== "matrix: ok" || stderr !== "") throw new Error(`${stdout}${stderr}` || "it said nothing");
  };
}

async function tag({ browser, folder }, entry) {
  const name = entry === "default" ? "tag.html" : "tag-url.html";
  await served(folder, (origin) => visit(browser, `${origin}/${name}`));
}

function refuse(complaints) {
  if (complaints.length > 0) throw new Error(complaints.join("\n"));
}
