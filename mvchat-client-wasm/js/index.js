/** The main entry: the core comes inlined, so that it works with every bundler and in every place. */

import { connectWith } from "./connect.js";
import { core } from "./inlined.js";
import { unpack } from "./unpack.js";

export { hasSession } from "./connect.js";
export { ChatError } from "./error.js";
export { firstGraphemes, graphemes, isSingleGrapheme } from "./load.js";

export const connect = connectWith(async () => WebAssembly.compile(unpack(core)));
