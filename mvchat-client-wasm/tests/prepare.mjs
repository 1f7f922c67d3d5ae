/** Puts the built package where an app would have it: the tests then import it by its name. */

import { cpSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const from = fileURLToPath(new URL("../../target/npm/mvchat-client", import.meta.url));
const to = fileURLToPath(new URL("node_modules/mvchat-client", import.meta.url));
rmSync(to, { recursive: true, force: true });
cpSync(from, to, { recursive: true });
