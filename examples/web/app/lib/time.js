/** Times as people say them, in their own language's form. */

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const DAY_OF_YEAR = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const SHORT = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });

export const clock = (at) => CLOCK.format(new Date(at));
export const full = (at) => FULL.format(new Date(at));

/** Returns a number that is the same for all instants of one local day. */
export function dayOf(at) {
  const date = new Date(at);
  return Math.round(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / 86_400_000);
}

/** Names a day: today, yesterday, or its date. */
export function dayName(at) {
  const ago = dayOf(Date.now()) - dayOf(at);
  if (ago === 0) return "Today";
  if (ago === 1) return "Yesterday";
  return (ago < 300 ? DAY : DAY_OF_YEAR).format(new Date(at));
}

/** The shortest form that still says when: the hour of today, the date of earlier days. */
export function short(at) {
  return dayOf(at) === dayOf(Date.now()) ? clock(at) : SHORT.format(new Date(at));
}

/** Says whether someone is here, or when they were. */
export function presence({ online, lastSeen } = {}) {
  if (online) return "online";
  if (!lastSeen) return "";
  const minutes = Math.floor((Date.now() - Date.parse(lastSeen)) / 60_000);
  if (minutes < 1) return "last seen just now";
  if (minutes < 60) return `last seen ${minutes} min ago`;
  const day = dayName(lastSeen);
  return `last seen ${day === "Today" || day === "Yesterday" ? day.toLowerCase() : short(lastSeen)} at ${clock(lastSeen)}`;
}

/** Says how long something is still possible. */
export function left(until) {
  const seconds = Math.max(0, Math.round((until - Date.now()) / 1_000));
  return seconds < 60 ? `${seconds} s left` : `${Math.ceil(seconds / 60)} min left`;
}

const UNITS = [["week", 604_800], ["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]];

/** Says a number of seconds in the largest unit that fits. */
export function span(seconds) {
  const [unit, size] = UNITS.find(([, size]) => seconds % size === 0) ?? UNITS.at(-1);
  const count = seconds / size;
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
