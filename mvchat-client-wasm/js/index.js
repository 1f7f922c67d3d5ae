/** The main entry: the core comes inlined, so that it works with every bundler and in every place. */

import { connectWith } from "./connect.js";
import { base64 } from "./inlined.js";

export { hasSession } from "./connect.js";
export { ChatError } from "./error.js";
export { firstGraphemes, graphemes, isSingleGrapheme } from "./load.js";

export const connect = connectWith(async () => {
  const packed = new Blob([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))]);
  const core = new Response(packed.stream().pipeThrough(new DecompressionStream("gzip")));
  return WebAssembly.compile(await core.arrayBuffer());
});
