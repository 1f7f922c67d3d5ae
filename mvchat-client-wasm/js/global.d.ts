/** For a script tag: `<script src="…/global.js"></script>` gives the main entry as `mvchat`. */
import type * as api from "./index.js";

declare global {
  const mvchat: typeof api;
}

export {};
