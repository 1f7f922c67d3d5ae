/** Values that change: the one reactive primitive of the client. */

/**
 * A value that its owner sets and everybody can watch.
 * @template T
 */
export class Cell {
  #value;
  #listeners = new Set();
  #watched;

  /**
   * @param {T} value
   * @param {{ start?: () => void, stop?: () => void }} [watched] Called when the first listener comes and the last goes.
   */
  constructor(value, watched) {
    this.#value = value;
    this.#watched = watched;
  }

  get value() {
    return this.#value;
  }

  /** Sets the value and tells everyone; nothing happens if it is the same. */
  set(value) {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const listener of [...this.#listeners]) {
      try {
        listener(value);
      } catch (error) {
        // One listener's defect must not keep the others, or the client, from going on.
        reportLater(error);
      }
    }
  }

  subscribe(listener) {
    // Every call is a listener of its own, also with the same function.
    const own = (value) => listener(value);
    this.#listeners.add(own);
    if (this.#listeners.size === 1) this.#watched?.start?.();
    return () => {
      if (this.#listeners.delete(own) && this.#listeners.size === 0) this.#watched?.stop?.();
    };
  }

  [Symbol.asyncIterator]() {
    return iterate(this);
  }
}

/**
 * A value computed from another one, only while somebody looks.
 * @template S, T
 */
export class Derived {
  #source;
  #compute;
  #from;
  #value;

  /** @param {{ value: S, subscribe: Function }} source @param {(value: S) => T} compute */
  constructor(source, compute) {
    this.#source = source;
    this.#compute = compute;
    this.#from = this;
  }

  get value() {
    const from = this.#source.value;
    if (from !== this.#from) {
      this.#from = from;
      this.#value = this.#compute(from);
    }
    return this.#value;
  }

  subscribe(listener) {
    let last = this.value;
    return this.#source.subscribe(() => {
      const value = this.value;
      if (Object.is(value, last)) return;
      last = value;
      listener(value);
    });
  }

  [Symbol.asyncIterator]() {
    return iterate(this);
  }
}

/** Yields the present value, then the newest one whenever it has changed; values between two looks are left out. */
async function* iterate(readable) {
  let wake;
  let changed = false;
  const stop = readable.subscribe(() => {
    changed = true;
    wake?.();
  });
  try {
    yield readable.value;
    for (;;) {
      if (!changed) await new Promise((resolve) => (wake = resolve));
      changed = false;
      yield readable.value;
    }
  } finally {
    stop();
  }
}

/** Throws where nobody is called back, so that the platform reports it. */
export function reportLater(error) {
  queueMicrotask(() => {
    throw error;
  });
}
