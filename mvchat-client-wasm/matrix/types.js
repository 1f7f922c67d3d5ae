/** The types of the package, checked by the compiler against a file that uses all of them. */

import { cp, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { run } from "./project.js";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** How apps are compiled: as ES modules and as CommonJS by Node's rules, by bundlers' rules, and by the old ones. */
const WAYS = [
  [["use.mts", "use.cts"], "nodenext", "nodenext"],
  [["use.ts"], "esnext", "bundler"],
  [["use.ts"], "commonjs", "node10"],
];

/** Compiles the file in every way, and finds what of the public types it leaves out. */
export async function types({ folder, installed }) {
  const text = await readFile(here("types/use.ts"), "utf8");
  for (const name of new Set(WAYS.flatMap(([names]) => names))) await writeFile(join(folder, name), text);
  await cp(here("node_modules/@types"), join(folder, "node_modules", "@types"), { recursive: true });
  await symlink(here("node_modules/csstype"), join(folder, "node_modules", "csstype"), "junction");
  const tsc = here("node_modules/typescript/bin/tsc");
  for (const [files, module, resolution] of WAYS) {
    const way = ["--module", module, "--moduleResolution", resolution, "--target", "es2022", "--lib", "es2022,dom"];
    const strict = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--types", "react"];
    await run(process.execPath, [tsc, ...way, ...strict, ...files], { cwd: folder }).catch(({ stdout, stderr }) => {
      throw new Error(`${files} with ${module}, ${resolution}:\n${stdout}${stderr}`);
    });
  }
  const names = new Set();
  for (const entry of ["index", "react", "testing"]) {
    for (const name of namesOf(await readFile(join(installed, "dist", `${entry}.d.ts`), "utf8"))) names.add(name);
  }
  const used = new Set(text.match(/[\w$]+/g));
  const left = [...names].filter((name) => !used.has(name));
  if (left.length > 0) throw new Error(`types/use.ts does not use ${left.join(", ")}`);
  return `ok, ${names.size} names used in ${WAYS.flatMap(([names]) => names).length} ways`;
}

/** Returns the names of all that a file of types declares: exports and their members. */
function* namesOf(text) {
  const file = ts.createSourceFile("types.d.ts", text, ts.ScriptTarget.Latest);
  for (const statement of file.statements) {
    if (statement.name) yield statement.name.text;
    if (!ts.isInterfaceDeclaration(statement) && !ts.isClassDeclaration(statement)) continue;
    for (const { name } of statement.members) if (name && ts.isIdentifier(name)) yield name.text;
  }
}
