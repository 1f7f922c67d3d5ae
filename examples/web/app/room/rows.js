/** What a timeline shows, from messages: days, the place of the first unread one, and runs of one sender. */

import { dayOf } from "../lib/time.js";

/** Messages of one sender within this time stand together. */
const RUN = 5 * 60_000;

/**
 * Returns rows `{ key, kind: "day" | "unread" | "event" | "message", … }`.
 * @param {readonly any[]} messages
 * @param {number | undefined} unreadAfter The mark after which a line says that what follows is new.
 */
export function rows(messages, unreadAfter) {
  const out = [];
  let day;
  let previous;
  let marked = unreadAfter === undefined;
  for (const message of messages) {
    // What has expired for everybody leaves no trace.
    if (message.expired) continue;
    const today = dayOf(message.at);
    const newDay = today !== day;
    if (newDay) {
      out.push({ key: `day-${today}`, kind: "day", at: message.at });
      day = today;
    }
    const isNew = !marked && !message.mine && !message.event && message.seq > unreadAfter;
    if (isNew) {
      out.push({ key: "unread", kind: "unread" });
      marked = true;
    }
    if (message.event) {
      out.push({ key: message.key, kind: "event", message });
      previous = undefined;
      continue;
    }
    const goesOn = !newDay && !isNew && continues(previous, message);
    const row = { key: message.key, kind: "message", message, first: !goesOn, last: true };
    if (goesOn) out[out.length - 1].last = false;
    out.push(row);
    previous = message;
  }
  return out;
}

/** Tells whether a row would look the same as before. */
export function sameRow(a, b) {
  return a.kind === b.kind && a.message === b.message && a.first === b.first && a.last === b.last && a.named === b.named;
}

function continues(previous, message) {
  if (!previous || previous.from !== message.from || previous.mine !== message.mine) return false;
  return Date.parse(message.at) - Date.parse(previous.at) < RUN;
}
