/** Menus that open at a button or a place; arrow keys move, Escape leaves and the focus returns. */

import { h } from "./dom.js";

let open;

/**
 * Opens a menu. Items are `{ label, note?, danger?, onclick }`; `head` stands above them; `closed` is told of the
 * end.
 * @param {Element} anchor
 */
export function menu(anchor, label, items, head, closed) {
  const buttons = items.filter(Boolean).map(({ label: text, note, danger, onclick }) =>
    h(
      "button",
      { type: "button", role: "menuitem", tabindex: "-1", class: danger ? "danger-item" : "", onclick: () => choose(onclick) },
      h("span", {}, text),
      note && h("span", { class: "note" }, note),
    ),
  );
  const choose = (onclick) => {
    close(true);
    onclick();
  };
  const list = h("div", { role: "menu", "aria-label": label }, buttons);
  const box = h("div", { class: "popover" }, head, list);
  const close = popover(anchor, box, closed);
  box.addEventListener("keydown", (event) => moveFocus(event, focusables(box), 1));
  (focusables(box)[0] ?? box).focus();
  return close;
}

/** Shows a box beside its anchor until it is left. Returns a function that closes it and gives the focus back or not. */
export function popover(anchor, box, closed) {
  open?.(false);
  box.setAttribute("popover", "manual");
  (anchor.closest("dialog, main") ?? document.body).append(box);
  box.showPopover();
  place(box, anchor.getBoundingClientRect());
  const ended = new AbortController();
  const close = (back) => {
    if (open !== close) return;
    open = undefined;
    ended.abort();
    box.remove();
    closed?.();
    if (back && anchor.isConnected) anchor.focus();
  };
  open = close;
  const { signal } = ended;
  document.addEventListener("pointerdown", (event) => box.contains(event.target) || close(false), { signal, capture: true });
  window.addEventListener("resize", () => close(false), { signal });
  window.addEventListener("hashchange", () => close(false), { signal });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" && event.key !== "Tab") return;
    event.preventDefault();
    event.stopPropagation();
    close(true);
  }, { signal });
  return close;
}

/** Moves the focus among elements with the arrow keys; `columns` is more than one in a grid. */
export function moveFocus(event, nodes, columns) {
  const at = nodes.indexOf(document.activeElement);
  const steps = { ArrowDown: columns, ArrowUp: -columns, ArrowRight: 1, ArrowLeft: -1 };
  let next;
  if (event.key === "Home") next = 0;
  else if (event.key === "End") next = nodes.length - 1;
  else if (event.key in steps) next = (at + steps[event.key] + nodes.length) % nodes.length;
  else return;
  event.preventDefault();
  nodes[next]?.focus();
}

function focusables(box) {
  return [...box.querySelectorAll("button")];
}

/** Puts the box below its anchor, or above where there is no room, and always inside the window. */
function place(box, anchor) {
  const { width, height } = box.getBoundingClientRect();
  const room = 8;
  const below = anchor.bottom + 4 + height <= innerHeight - room;
  const top = below ? anchor.bottom + 4 : Math.max(room, anchor.top - height - 4);
  const wanted = anchor.left + anchor.width / 2 > innerWidth / 2 ? anchor.right - width : anchor.left;
  const left = Math.min(Math.max(room, wanted), innerWidth - width - room);
  box.style.top = `${Math.min(top, Math.max(room, innerHeight - height - room))}px`;
  box.style.left = `${left}px`;
}
