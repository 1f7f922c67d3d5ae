/** What tools say of the package: each fails with what they found, or resolves to a few words. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import esbuild from "esbuild";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { book } from "./book.js";
import { compat } from "./compat.js";
import { manifestOf, run } from "./project.js";
import { types } from "./types.js";

/** The most that the default entry with its core inlined may weigh, after brotli. */
const MOST = 95 * 1024;

export const CHECKS = { publint: lint, attw, tsc: types, compat, book, size };

async function lint({ installed }) {
  const { messages } = await publint({ pkgDir: installed, pack: false, level: "suggestion", strict: true });
  const manifest = await manifestOf(installed);
  if (messages.length > 0) throw new Error(messages.map((message) => formatMessage(message, manifest)).join("\n"));
  return "ok, nothing found";
}

/** All entries by every way of resolution; those for pages alone can't be had by `require`, and say so. */
async function attw({ tarball }) {
  const program = fileURLToPath(new URL("node_modules/@arethetypeswrong/cli/dist/index.js", import.meta.url));
  const way = ["--no-definitely-typed", "--format", "ascii", "--no-color", "--no-emoji"];
  for (const entries of [[".", "./react", "./testing"], ["./url", "./global", "--profile", "esm-only"]]) {
    await run(process.execPath, [program, tarball, ...way, "--entrypoints", ...entries]).catch(({ stdout, stderr }) => {
      throw new Error(`${stdout}${stderr}`);
    });
  }
  return "ok, nothing found";
}

/** Weighs what a page downloads: the entry with everything in it, as a bundler makes it, and the script for tags. */
async function size({ folder, installed }) {
  const { outputFiles } = await esbuild.build({
    stdin: { contents: `export * from "mvchat-client";`, resolveDir: folder },
    bundle: true,
    minify: true,
    format: "esm",
    write: false,
  });
  const weighed = {
    "default entry, minified": outputFiles[0].contents,
    "dist/global.js": await readFile(join(installed, "dist", "global.js")),
    "dist/mvchat.wasm": await readFile(join(installed, "dist", "mvchat.wasm")),
  };
  console.log(`${"bytes".padEnd(24)} ${"raw".padStart(9)} ${"gzip".padStart(9)} ${"brotli".padStart(9)}`);
  for (const [name, bytes] of Object.entries(weighed)) {
    const sizes = [bytes.length, gzipSync(bytes, { level: 9 }).length, brotli(bytes)];
    console.log(`${name.padEnd(24)} ${sizes.map((size) => String(size).padStart(9)).join(" ")}`);
  }
  const heaviest = Math.max(brotli(weighed["default entry, minified"]), brotli(weighed["dist/global.js"]));
  if (heaviest > MOST) throw new Error(`the default entry weighs ${heaviest} bytes after brotli, more than ${MOST}`);
  return `ok, ${heaviest} bytes after brotli, of at most ${MOST}`;
}

function brotli(bytes) {
  const { BROTLI_PARAM_QUALITY, BROTLI_MAX_QUALITY, BROTLI_PARAM_LGWIN, BROTLI_MAX_WINDOW_BITS } = constants;
  const params = { [BROTLI_PARAM_QUALITY]: BROTLI_MAX_QUALITY, [BROTLI_PARAM_LGWIN]: BROTLI_MAX_WINDOW_BITS };
  return brotliCompressSync(bytes, { params }).length;
}
