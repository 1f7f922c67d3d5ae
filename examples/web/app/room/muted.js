/** Whether a moderator has taken the word from a member, and for how long. */

/** A time so far away that it means for ever. */
const FAR = Date.UTC(2100, 0, 1);

/** Tells whether a member is muted now. */
export function silenced(member) {
  return member?.mutedUntil !== undefined && Date.parse(member.mutedUntil) > Date.now();
}

/** Tells whether a muted member stays so until somebody unmutes them. */
export function forEver({ mutedUntil }) {
  return Date.parse(mutedUntil) > FAR;
}
