/** In a direct conversation: whether the other is a contact, and what they are called. */

import { patient } from "../lib/announce.js";
import { fill, h, icon } from "../lib/dom.js";
import { contactMenu } from "../people/contacts.js";

export function contactCard(section, chat, user, scope) {
  if (!user) return;
  scope.watch(chat.contacts, (all) => {
    const contact = all?.find(({ id }) => id === user.id);
    const more = contact && h("button", { type: "button", class: "quiet", "aria-haspopup": "menu", onclick: () => contactMenu(more, chat, contact) }, icon("people"), "In your contacts");
    fill(
      section,
      all && (more ?? h("button", { type: "button", class: "quiet", onclick: patient(() => chat.addContact(user.id)) }, icon("plus"), "Add to contacts")),
    );
  });
}
