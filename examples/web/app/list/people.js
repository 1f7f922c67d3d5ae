/** People found by a part of their name. */

import { explain, patient } from "../lib/announce.js";
import { fill, h } from "../lib/dom.js";
import { avatar, nameOf } from "../lib/names.js";

const PAUSE = 250;

/** Searches while someone types. `show` gets the query and the users, or the words for why there are none. */
export function searching(chat, scope, input, show) {
  let timer;
  const ask = async () => {
    const query = input.value.trim();
    if (query.length < 2) return show("", []);
    try {
      const users = await chat.search(query, { limit: 20 });
      if (!scope.ended && input.value.trim() === query) show(query, users);
    } catch (error) {
      if (!scope.ended) show(query, [], explain(error));
    }
  };
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  }, { signal: scope.signal });
  scope.add(() => clearTimeout(timer));
}

/** Shows people below the conversations that match; choosing one opens the conversation with them. */
export function foundPeople(chat, scope, input, section, opened) {
  searching(chat, scope, input, (query, users, problem) => {
    fill(
      section,
      query !== "" && h("h2", {}, "People"),
      problem && h("p", { class: "nothing" }, problem),
      query !== "" && !problem && users.length === 0 && h("p", { class: "nothing" }, "Nobody of this name."),
      users.length > 0 && h("ul", { class: "people" }, users.map((user) => h("li", {}, person(user, patient(async () => opened(await chat.dm(user.id))))))),
    );
  });
  input.addEventListener("input", () => input.value.trim().length < 2 && fill(section), { signal: scope.signal });
}

/** Makes a button for a user. */
export function person(user, onclick, more = {}) {
  return h(
    "button",
    { type: "button", class: "person", onclick, ...more },
    avatar(user.id, nameOf(user), { online: user.online, size: "size-s" }),
    h("span", { dir: "auto", class: "person-name" }, nameOf(user)),
    user.online && h("span", { class: "hidden" }, ", online"),
  );
}
