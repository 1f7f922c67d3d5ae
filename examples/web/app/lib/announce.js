/** What is said without being asked: to screen readers, and as notes at the edge of the page. */

import { h } from "./dom.js";

/** Tells those who listen to the page. */
export function announce(text) {
  const log = document.getElementById("announcer");
  log.append(h("p", {}, text));
  while (log.childElementCount > 5) log.firstElementChild.remove();
}

const SHOWN = 6_000;

/** Shows a note for a while; it is read out as well. */
export function toast(text, kind = "") {
  const node = h("p", { class: `toast ${kind}` }, text);
  document.getElementById("toasts").append(node);
  setTimeout(() => node.remove(), SHOWN);
}

/** Puts a text onto the clipboard, and says so. */
export async function copy(text, words = "Copied.") {
  try {
    await navigator.clipboard.writeText(text);
    toast(words);
  } catch {
    toast("The browser does not allow that.", "bad");
  }
}

const WORDS = {
  offline: "You are offline. Try again when the connection is back.",
  disconnected: "The connection was lost. It may have happened; please check.",
  timeout: "The server did not answer in time.",
  rate_limited: "That was a bit fast. Please wait a moment.",
  blocked: "This is not possible: one of you has blocked the other.",
  bad_credentials: "The name or the password is wrong.",
  exists: "This name is taken.",
  conflict: "That does not fit together with something that happened meanwhile.",
  window_expired: "It is too late for that.",
  limit_reached: "That can't be done any more often.",
  gone: "The message is gone.",
  not_member: "You are not a member of this conversation.",
  unavailable: "The server is busy. Please try again.",
};

/** Says in words what went wrong. */
export function explain(error) {
  return WORDS[error?.code] ?? error?.message ?? String(error);
}

/** Runs something that may fail; a failure is shown. Resolves to whether it went well. */
export async function attempt(action) {
  try {
    await action();
    return true;
  } catch (error) {
    toast(explain(error), "bad");
    return false;
  }
}

/** Makes a listener of something that takes a while: it is shown as busy, and an impatient second click does nothing. */
export function patient(action) {
  return async ({ currentTarget }) => {
    if (currentTarget.ariaBusy === "true") return;
    currentTarget.ariaBusy = "true";
    await attempt(action);
    currentTarget.ariaBusy = null;
  };
}
