/** The same as the main entry, with the core streamed from a file beside the module instead of inlined. */
export * from "./index.js";
