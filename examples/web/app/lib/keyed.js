/** A list whose elements stay the same while their items change, move, come and go. */
export class Keyed {
  #parent;
  #parts;
  #shown = new Map();

  /**
   * @param {Element} parent
   * @param {{ key: (item: any) => string, create: (item: any) => Element, update?: (node: Element, item: any) => void,
   *   same?: (a: any, b: any) => boolean }} parts
   */
  constructor(parent, parts) {
    this.#parent = parent;
    this.#parts = parts;
  }

  /** Returns the element of a key. */
  node(key) {
    return this.#shown.get(key)?.node;
  }

  show(items) {
    const { key, create, update, same = Object.is } = this.#parts;
    const keys = new Set(items.map(key));
    for (const [old, { node }] of this.#shown) {
      if (keys.has(old)) continue;
      node.remove();
      this.#shown.delete(old);
    }
    const focus = document.activeElement;
    let next = this.#parent.firstElementChild;
    for (const item of items) {
      let entry = this.#shown.get(key(item));
      if (!entry) {
        entry = { node: create(item), item };
        this.#shown.set(key(item), entry);
      } else if (!same(entry.item, item)) {
        entry.item = item;
        update?.(entry.node, item);
      }
      if (entry.node === next) next = next.nextElementSibling;
      else this.#parent.insertBefore(entry.node, next);
    }
    // An element that is moved loses the focus.
    if (focus !== document.activeElement && focus?.isConnected) focus.focus({ preventScroll: true });
  }
}
