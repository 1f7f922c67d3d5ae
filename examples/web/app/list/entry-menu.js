/** What can be done with a conversation without opening it. */

import { attempt } from "../lib/announce.js";
import { menu } from "../lib/menu.js";
import { titleOf } from "../lib/names.js";

/** Opens the menu at an entry of the list: on a right click, a long touch, or the menu key. */
export function entryMenu(link, conv) {
  const info = conv.info.value;
  if (!info) return;
  const turn = (key, on, off) => ({ label: info[key] ? off : on, onclick: () => attempt(() => conv.set({ [key]: !info[key] })) });
  menu(link, titleOf(info), [
    info.unread > 0 && { label: "Mark as read", onclick: () => attempt(() => conv.markRead()) },
    turn("favorite", "Make a favourite", "No favourite any more"),
    turn("muted", "Mute", "Unmute"),
    turn("archived", "Archive", "Take out of the archive"),
    { label: "About", onclick: () => (location.hash = `#/c/${info.id}/info`) },
  ]);
}
