/** Naming people: completion while writing, places in the text when sending. */

import { firstGraphemes, graphemes } from "../../mvchat-client/url.js";
import { fill, h } from "../lib/dom.js";
import { avatar, nameOf } from "../lib/names.js";

const SHOWN = 6;

export class Mentions {
  #chat;
  #conv;
  #input;
  #list;
  #named = new Map();
  #found = [];
  #at = 0;
  #start = -1;

  constructor(chat, conv, input, list) {
    this.#chat = chat;
    this.#conv = conv;
    this.#input = input;
    this.#list = list;
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-controls", list.id);
    input.addEventListener("input", () => this.#look());
    input.addEventListener("blur", () => this.#close());
  }

  end() {
    this.#close();
  }

  /** Handles a key while the list is open; returns whether it did. */
  key(event) {
    if (this.#found.length === 0) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) this.#mark((this.#at + step + this.#found.length) % this.#found.length);
    else if (event.key === "Enter" || event.key === "Tab") this.#choose(this.#found[this.#at]);
    else if (event.key === "Escape") this.#close();
    else return false;
    event.preventDefault();
    return true;
  }

  /** Takes over who is named in a message that is being changed. */
  learn({ text, mentions }) {
    for (const { userId, offset, length } of mentions) {
      const start = firstGraphemes(text, offset).length;
      this.#named.set(text.slice(start, firstGraphemes(text, offset + length).length), userId);
    }
  }

  /** Finds those who are named in a text; places are counted in characters. */
  of(text) {
    const found = [];
    const labels = [...this.#named.keys()].sort((a, b) => b.length - a.length);
    for (let at = text.indexOf("@"); at >= 0; at = text.indexOf("@", at + 1)) {
      const label = labels.find((candidate) => text.startsWith(candidate, at));
      if (!label) continue;
      found.push({ userId: this.#named.get(label), username: label.slice(1), offset: graphemes(text.slice(0, at)), length: graphemes(label) });
      at += label.length - 1;
    }
    return found.slice(0, this.#chat.limits.value.maxMentions ?? 50);
  }

  #look() {
    const before = this.#input.value.slice(0, this.#input.selectionStart);
    const match = /(?:^|\s)@([\p{L}\p{N}._-]*)$/u.exec(before);
    if (!match) return this.#close();
    this.#start = before.length - match[1].length - 1;
    const word = match[1].toLowerCase();
    const others = this.#conv.members.value.filter(({ id }) => id !== this.#chat.me.value.id);
    const fits = (user) => nameOf(user).toLowerCase().split(/\s+/).some((part) => part.startsWith(word));
    this.#found = others.filter(fits).slice(0, SHOWN);
    if (this.#found.length === 0) return this.#close();
    fill(
      this.#list,
      this.#found.map((user, index) =>
        h(
          "li",
          { role: "option", id: `mention-${index}`, onpointerdown: (event) => (event.preventDefault(), this.#choose(user)) },
          avatar(user.id, nameOf(user), { size: "size-xs", online: user.online }),
          h("span", { dir: "auto" }, nameOf(user)),
        ),
      ),
    );
    this.#list.hidden = false;
    this.#mark(0);
  }

  #mark(at) {
    this.#at = at;
    [...this.#list.children].forEach((node, index) => node.setAttribute("aria-selected", String(index === at)));
    this.#input.setAttribute("aria-activedescendant", `mention-${at}`);
  }

  #choose(user) {
    const label = `@${nameOf(user)}`;
    this.#named.set(label, user.id);
    this.#input.setRangeText(`${label} `, this.#start, this.#input.selectionStart, "end");
    this.#close();
    this.#input.dispatchEvent(new Event("input"));
  }

  #close() {
    this.#found = [];
    this.#list.hidden = true;
    this.#input.removeAttribute("aria-activedescendant");
    fill(this.#list);
  }
}
