/** The tables of the book that are made from what is tried here. `node book.js` writes them into their page. */

import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { CASES } from "./cases.js";
import { HOOKS, METHODS, OTHERS } from "./original.js";

const PAGE = fileURLToPath(new URL("../../book/src/reference/javascript.md", import.meta.url));
const END = "<!-- end of tried -->";

const code = (text) => text.split(", ").every((name) => /^\w+$/.test(name)) ? text.replace(/\w+/g, "`$&`") : `\`${text}\``;
const counterpart = ({ now }) => (now === "" ? "–" : now === "happens by itself" ? now : code(now));
const rows = (table, from) => table.map((row) => `| ${code(row[from])} | ${counterpart(row)} |`);

const PARTS = {
  places: () => [
    "| Place | `mvchat-client` | `mvchat-client/url` | `mvchat-client/react` |",
    "|---|---|---|---|",
    ...CASES.map(({ name, url = "yes", noUrl, noReact }) => `| ${name} | yes | ${noUrl ? "no" : url} | ${noReact ? "no" : "yes"} |`),
  ],
  methods: () => ["| Original | Here |", "|---|---|", ...rows(METHODS, "was")],
  others: () => ["| Original | Here |", "|---|---|", ...rows(OTHERS, "was")],
  hooks: () => ["| Original | Here |", "|---|---|", ...Object.entries(HOOKS).map(([was, now]) => `| ${code(was)} | ${code(now)} |`)],
};

/** Returns the page as it is and as it should be. */
async function pages() {
  const old = await readFile(PAGE, "utf8");
  let text = old;
  for (const [name, lines] of Object.entries(PARTS)) {
    const start = `<!-- tried: ${name} -->`;
    const [from, to] = [text.indexOf(start), text.indexOf(END, text.indexOf(start))];
    if (from < 0 || to < 0) throw new Error(`${PAGE} has no place for the table \`${name}\``);
    text = `${text.slice(0, from)}${start}\n\n${lines().join("\n")}\n\n${text.slice(to)}`;
  }
  return { old, text };
}

/** Fails if the book says anything else than what is tried. */
export async function book() {
  const { old, text } = await pages();
  if (old !== text) throw new Error("the book's tables differ from what is tried; write them with: node book.js");
  return `ok, ${Object.keys(PARTS).length} tables as tried`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(PAGE, (await pages()).text);
