/** Elements without a framework. Text only ever becomes text nodes. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Makes an element. `on…` properties are listeners, `true` is an empty attribute; `false`, `null` and `undefined` leave
 * an attribute or a child out.
 */
export function h(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value") node.value = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...present(children));
  return node;
}

/** Replaces what is in an element. */
export function fill(node, ...children) {
  node.replaceChildren(...present(children));
  return node;
}

/**
 * Replaces what is in an element, except for the parts that would look the same as before: these stay the same elements,
 * so that a press of the button, a selection and a scroll bar in them survive. A part is `[key, state, make]`; it is made
 * anew when its key is new or one of the values in `state` has changed. `undefined` parts are left out.
 */
export function patch(node, parts) {
  const before = drawn.get(node) ?? new Map();
  const now = new Map();
  for (const [key, state, make] of parts.filter(Boolean)) {
    const old = before.get(key);
    const same = old && old.state.length === state.length && old.state.every((value, at) => Object.is(value, state[at]));
    now.set(key, same ? old : { state, child: make() });
  }
  drawn.set(node, now);
  const children = [...now.values()].map(({ child }) => child).filter(Boolean);
  for (const child of [...node.childNodes]) if (!children.includes(child)) child.remove();
  children.forEach((child, at) => node.childNodes[at] === child || node.insertBefore(child, node.childNodes[at] ?? null));
  return node;
}

const drawn = new WeakMap();

function present(children) {
  return children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false);
}

const ICONS = {
  back: "M15 5l-7 7 7 7",
  plus: "M12 5v14M5 12h14",
  gear: "M4 7h9m5 0h2M4 17h2m5 0h9M13 4.5h4v5h-4zM6 14.5h4v5H6z",
  send: "M4.5 12h14M12.5 5.5L19 12l-6.5 6.5",
  smile: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM9 9.7v.6M15 9.7v.6M8.3 14.2c1.8 2.5 5.6 2.5 7.4 0",
  reply: "M9.5 6L4 11.5l5.5 5.5M4.5 11.5H13c4 0 6.5 2 7 6",
  more: "M6 12h.01M12 12h.01M18 12h.01",
  close: "M6 6l12 12M18 6L6 18",
  down: "M12 5v13M6 12.5l6 6 6-6",
  search: "M10.5 4.5a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM15 15l5 5",
  check: "M5 12.5l4.5 4.5L19 7.5",
  checks: "M2.5 12.5L7 17l9.5-9.5M12 15.5l1.5 1.5L22 8",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 8v4.5l3 2",
  alert: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 8v5M12 16v.01",
  star: "M12 4.5l2.3 4.9 5.2.7-3.8 3.7.95 5.3L12 16.6l-4.650 2.5.95-5.3-3.8-3.7 5.2-.7z",
  mute: "M5 10v4h3l4 3.5v-11L8 10zM16 10l4 4M20 10l-4 4",
  at: "M16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0zM16 8v5.500a2.300 2.300 0 0 0 4.500 0V12a8.500 8.500 0 1 0-3.500 6.900",
  timer: "M12 6.500a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM12 10v3.700l2.300 1.500M9.500 3.500h5",
  link: "M10 14a4 4 0 0 0 5.700 0l3-3a4 4 0 0 0-5.700-5.700l-1 1M14 10a4 4 0 0 0-5.700 0l-3 3a4 4 0 0 0 5.700 5.700l1-1",
  archive: "M4 5h16v4H4zM5.500 9v10h13V9M10 13h4",
  people: "M9 5.5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM3.5 19c0-3.5 2.5-5 5.5-5s5.5 1.5 5.5 5M16 6a2.8 2.8 0 0 1 0 5.4M17.5 14.3c2 .6 3 2.2 3 4.7",
};

/** Draws one of the icons, which say nothing to those who don't see them: the button has the label. */
export function icon(name, kind = "icon") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", kind);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** Makes a button that shows an icon only. */
export function iconButton(name, label, onclick, more = {}) {
  return h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick, ...more }, icon(name));
}

/** Makes the bar above a page, with the way back on phones. */
export function pageBar(title) {
  const heading = h("h1", { tabindex: "-1" }, title);
  const back = h("a", { class: "icon-button only-phone", href: "#/", "aria-label": "Back to the conversations", title: "Back" }, icon("back"));
  const node = h("header", { class: "bar room-bar" }, back, heading);
  return { node, focus: () => heading.focus({ preventScroll: true }) };
}

/** Makes one part of a page, with its heading. */
export function card(title, ...content) {
  return h("section", { class: "card stack" }, h("h2", {}, title), content);
}

/** Makes a labelled field. `hint` stands below it. */
export function field(label, input, hint) {
  const id = `f${++fields}`;
  input.id = id;
  if (hint) input.setAttribute("aria-describedby", `${id}-hint`);
  return h(
    "div",
    { class: "field" },
    h("label", { for: id }, label),
    input,
    hint && h("p", { id: `${id}-hint`, class: "hint" }, hint),
  );
}

let fields = 0;

/** Keeps what ends together with a part of the page. */
export class Scope {
  #abort = new AbortController();

  /** For `addEventListener` and the like. */
  get signal() {
    return this.#abort.signal;
  }

  get ended() {
    return this.#abort.signal.aborted;
  }

  /** Shows the present value and every later one. */
  watch(readable, show) {
    show(readable.value);
    this.add(readable.subscribe(show));
  }

  /** Calls `end` at the end. */
  add(end) {
    if (this.ended) end();
    else this.signal.addEventListener("abort", () => end(), { once: true });
  }

  end() {
    this.#abort.abort();
  }
}
