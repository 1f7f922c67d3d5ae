/** What happened in a group, in words. */

import { nameOf } from "../lib/names.js";

const WORDS = {
  member_joined: (who, whom, same) => (same ? `${whom} joined` : `${who} added ${whom}`),
  member_left: (who, whom) => `${whom} left`,
  member_kicked: (who, whom) => `${who} removed ${whom}`,
  member_banned: (who, whom) => `${who} banned ${whom}`,
  member_unbanned: (who, whom) => `${who} lifted the ban of ${whom}`,
  role_changed: (who, whom, _, { role }) => (role === "admin" ? `${who} made ${whom} an admin` : `${who} took the admin role from ${whom}`),
  owner_changed: (who, whom) => `${whom} owns the group now`,
  room_updated: (who) => `${who} changed the group’s profile`,
};

/** Says what a message of the server is about. */
export function eventText(chat, { event }) {
  const name = (id) => (id === chat.me.value.id ? "You" : nameOf(chat.user(id).value ?? { id }));
  const { what, by, user } = event;
  const [who, whom] = [by ? name(by) : "Someone", user ? name(user) : by ? name(by) : "someone"];
  const words = WORDS[what]?.(who, by !== user && whom === "You" && what !== "member_left" && what !== "owner_changed" ? "you" : whom, !user || by === user, event);
  return (words ?? "Something in the group has changed").replace(/^You owns/, "You own");
}

/** Returns whom one has to know to say it. */
export function peopleOf({ event }) {
  return [event?.by, event?.user].filter(Boolean);
}
