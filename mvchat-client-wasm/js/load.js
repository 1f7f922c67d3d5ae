/** The compiled core, loaded once. */

import { default as init, Machine, firstGraphemes as first, graphemes as count, isSingleGrapheme as single } from "./core.js";
import { ChatError } from "./error.js";

let loading;
let loaded = false;

/**
 * Loads the core from whatever `source` returns, unless it is here already.
 * @param {() => unknown} source
 */
export async function load(source) {
  loading ??= start(source);
  try {
    await loading;
  } catch (error) {
    loading = undefined;
    throw new ChatError("wasm", `the core can't be loaded (does the page allow 'wasm-unsafe-eval'?): ${error}`);
  }
  return Machine;
}

async function start(source) {
  await init({ module_or_path: await source() });
  loaded = true;
}

function needed() {
  if (!loaded) throw new ChatError("not_loaded", "the core is not loaded yet: call this after `await connect(…)`");
}

export function graphemes(text) {
  needed();
  return count(text);
}

export function firstGraphemes(text, length) {
  needed();
  return first(text, length);
}

export function isSingleGrapheme(text) {
  needed();
  return single(text);
}
