/** Dialogs: the browser keeps the focus inside and gives it back. */

import { fill, h, iconButton } from "./dom.js";

/** Opens a dialog with a heading. Returns the element; it is removed when it is closed. */
export function dialog(title, ...content) {
  const node = h("dialog", { "aria-labelledby": "dialog-title" });
  fill(
    node,
    h(
      "header",
      { class: "dialog-head" },
      h("h2", { id: "dialog-title" }, title),
      iconButton("close", "Close", () => node.close()),
    ),
    content,
  );
  // The browser has given the focus back by then, and perhaps someone has taken it since.
  node.addEventListener("close", () => node.remove());
  node.addEventListener("click", (event) => {
    if (event.target === node) node.close();
  });
  document.body.append(node);
  node.showModal();
  return node;
}

/** Asks before something that can't be undone. Resolves to the answer. */
export function confirmed(question, explanation, yes) {
  return new Promise((resolve) => {
    const answer = (value) => () => {
      resolve(value);
      node.close();
    };
    const node = dialog(
      question,
      explanation && h("p", {}, explanation),
      h(
        "footer",
        { class: "buttons" },
        h("button", { type: "button", class: "quiet", onclick: answer(false) }, "Cancel"),
        h("button", { type: "button", class: "danger", onclick: answer(true) }, yes),
      ),
    );
    node.addEventListener("close", () => resolve(false));
  });
}
