/** The entry for those who serve `mvchat.wasm` beside this module: the core is compiled while it is downloaded. */

import { connectWith } from "./connect.js";

export { hasSession } from "./connect.js";
export { ChatError } from "./error.js";
export { firstGraphemes, graphemes, isSingleGrapheme } from "./load.js";

export const connect = connectWith(() => new URL("./mvchat.wasm", import.meta.url));
