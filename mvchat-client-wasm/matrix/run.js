/**
 * Proves that the npm package can be used: `node run.js [<folder of the built package>]`.
 *
 * Everything is tried with what npm would publish. Prints tables, then how many checks passed and failed in the form of
 * Node's own test runner; ends with 1 if any failed.
 */

import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { openBrowser } from "./browser.js";
import { CASES } from "./cases.js";
import { CHECKS } from "./checks.js";
import { project } from "./project.js";

const built = process.argv[2] ?? fileURLToPath(new URL("../../target/npm/mvchat-client", import.meta.url));
const failures = [];
let passed = 0;

/** Makes one check and returns the words for its cell. */
async function attempt(name, check) {
  const start = performance.now();
  try {
    const note = await check();
    passed += 1;
    return note || `ok ${((performance.now() - start) / 1_000).toFixed(1)} s`;
  } catch (error) {
    failures.push(`${name}: ${error.message}`);
    return "FAILED";
  }
}

function line(...cells) {
  console.log(`| ${cells.map((cell, at) => String(cell).padEnd([14, 10, 10, 10][at] ?? 0)).join(" | ")} |`);
}

const place = await project(built);
try {
  place.browser = await openBrowser();
  line("place", "default", "/url", "/react", "for `/url`");
  line("---", "---", "---", "---", "---");
  for (const { name, try: attend, url = "", noUrl, noReact } of CASES) {
    const first = await attempt(name, () => attend(place, "default"));
    const second = noUrl ? "–" : await attempt(`${name}, /url`, () => attend(place, "url"));
    const third = noReact ? "–" : await attempt(`${name}, /react`, () => attend(place, "react"));
    line(name, first, second, third, url);
  }
  console.log();
  for (const [name, check] of Object.entries(CHECKS)) {
    console.log(`${name.padEnd(10)} ${await attempt(name, () => check(place))}`);
  }
} finally {
  await place.browser?.close();
  await rm(place.folder, { recursive: true, force: true });
}
for (const failure of failures) console.log(`\nFAILED ${failure}`);
console.log(`\n# pass ${passed}\n# fail ${failures.length}`);
process.exitCode = failures.length > 0 ? 1 : 0;
