/** A project of someone who uses the package: what npm would publish, installed from its tarball. */

import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

export const run = promisify(execFile);

const npm = (args, cwd) => run("npm", [...args, "--silent"], { cwd, shell: process.platform === "win32" });

/** The app's start for every way in: the same app, with another import. */
const STARTS = {
  "default.js": esm("mvchat-client"),
  "url.js": esm("mvchat-client/url"),
  "default.mjs": esm("mvchat-client"),
  // Node fetches no files, so the core is handed over.
  "url.mjs": esm(
    "mvchat-client/url",
    `import { readFile } from "node:fs/promises";\n`,
    `{ wasm: await readFile(new URL(import.meta.resolve("mvchat-client/mvchat.wasm"))) }`,
  ),
  "default.cjs": `const { connect } = require("mvchat-client");
const { fakeServer } = require("mvchat-client/testing");
import("./say.js").then(({ say, tell }) => tell(say(connect, fakeServer)));
`,
  "react.js": hooks("import { createRoot } from \"react-dom/client\";", "inPage", "createRoot"),
  "react.mjs": hooks("import { renderToString } from \"react-dom/server\";", "asText", "renderToString"),
  "react.cjs": `const { createElement } = require("react");
const { renderToString } = require("react-dom/server");
const client = { ...require("mvchat-client"), ...require("mvchat-client/react"), ...require("mvchat-client/testing") };
const [said, shown] = [import("./say.js"), import("./show.js")];
Promise.all([said, shown]).then(([{ tell }, { asText, show }]) => tell(show(client, createElement, asText(renderToString))));
`,
  "tag.js": `import { fakeServer } from "./node_modules/mvchat-client/dist/testing.js";
import { say, tell } from "./say.js";
tell(say(mvchat.connect, fakeServer));
`,
  "tag-url.js": `import { connect } from "./node_modules/mvchat-client/dist/url.js";
import { fakeServer } from "./node_modules/mvchat-client/dist/testing.js";
import { say, tell } from "./say.js";
tell(say(connect, fakeServer));
`,
};

function esm(entry, more = "", options = "{}") {
  return `${more}import { connect } from "${entry}";
import { fakeServer } from "mvchat-client/testing";
import { say, tell } from "./say.js";
tell(say(connect, fakeServer, ${options}));
`;
}

function hooks(renderer, way, render) {
  return `import { connect } from "mvchat-client";
import { ChatProvider, useMessages } from "mvchat-client/react";
import { fakeServer } from "mvchat-client/testing";
import { createElement } from "react";
${renderer}
import { tell } from "./say.js";
import { ${way}, show } from "./show.js";
tell(show({ connect, fakeServer, ChatProvider, useMessages }, createElement, ${way}(${render})));
`;
}

/** Returns a page that starts the app with a module script. */
export function page(script, before = "") {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>matrix</title>
<link rel="icon" href="data:,">
${before}<script type="module" src="./${script}"></script>
</html>
`;
}

/**
 * Packs the package and installs it into a new project.
 * @returns {Promise<{ folder: string, tarball: string, installed: string }>}
 */
export async function project(built) {
  const folder = await mkdtemp(join(tmpdir(), "mvchat-matrix-"));
  const { stdout } = await npm(["pack", built, "--json", "--pack-destination", folder], folder);
  // npm 12 answers with an object by name, earlier ones with a list.
  const [{ filename }] = Object.values(JSON.parse(stdout));
  const tarball = join(folder, filename);
  await writeFile(join(folder, "package.json"), `{ "name": "app", "private": true, "type": "module" }\n`);
  await npm(["install", tarball, "--offline", "--no-audit", "--no-fund"], folder);
  for (const name of ["react", "react-dom", "scheduler"]) {
    await cp(new URL(`node_modules/${name}`, import.meta.url), join(folder, "node_modules", name), { recursive: true });
  }
  for (const [name, text] of Object.entries(STARTS)) await writeFile(join(folder, name), text);
  await cp(new URL("app/", import.meta.url), folder, { recursive: true });
  const tag = `<script src="./node_modules/mvchat-client/dist/global.js"></script>\n`;
  const pages = { "default.html": page("default.js"), "react.html": page("react.js"), "url.html": page("url.js"), "tag-url.html": page("tag-url.js") };
  pages["tag.html"] = page("tag.js", tag);
  for (const [name, text] of Object.entries(pages)) await writeFile(join(folder, name), text);
  return { folder, tarball, installed: join(folder, "node_modules", "mvchat-client") };
}

export const manifestOf = async (folder) => JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
