/** How far everyone has read and received. */

/** Marks of the user that the server does not know yet, and those of the others. */
export class Marks {
  #request;
  /** The user's own that are to be told: "kind conv" to the number, and whether one is on its way. */
  #own = new Map();
  #others = new Map();

  /** @param {(request: any) => Promise<any>} request */
  constructor(request) {
    this.#request = request;
  }

  /** Moves one of the user's marks; of many moves only the last is told. Resolves when the server knows it. */
  async move(kind, conv, seq) {
    const key = `${kind} ${conv}`;
    const mark = this.#own.get(key) ?? { kind, conv, seq: 0, told: 0, busy: undefined };
    this.#own.set(key, mark);
    mark.seq = Math.max(mark.seq, seq);
    mark.busy ??= this.#tell(mark).finally(() => (mark.busy = undefined));
    await mark.busy;
  }

  /** Tells again what could not be told. */
  again() {
    for (const { kind, conv, seq, told } of this.#own.values()) {
      if (told < seq) this.move(kind, conv, seq).catch(() => {});
    }
  }

  async #tell(mark) {
    // Whatever comes in the same breath goes along.
    await Promise.resolve();
    while (mark.told < mark.seq) {
      const { kind, conv, seq } = mark;
      try {
        await this.#request({ [kind]: { conv, seq } });
      } catch (error) {
        // What the server refuses for good is not asked again.
        if (!error.retryable && error.code !== "ended") mark.told = Math.max(mark.told, seq);
        throw error;
      }
      mark.told = Math.max(mark.told, seq);
    }
  }

  /** Someone else's mark moved. Returns the patch. */
  moved({ conv, user, kind, seq }) {
    const known = this.#others.get(conv)?.[user] ?? { readSeq: 0, recvSeq: 0 };
    const readSeq = kind === "read" ? Math.max(known.readSeq, seq) : known.readSeq;
    const marks = { readSeq, recvSeq: Math.max(known.recvSeq, readSeq, seq) };
    return this.#put(conv, { ...this.#others.get(conv), [user]: marks });
  }

  /** The server says how far everyone is. Returns the patch. */
  learn(conv, receipts) {
    return this.#put(conv, Object.fromEntries(receipts.map(({ user, readSeq, recvSeq }) => [user, { readSeq, recvSeq }])));
  }

  /** Returns the marks of all others, by conversation and user. */
  known() {
    return Object.fromEntries(this.#others);
  }

  #put(conv, users) {
    this.#others.set(conv, users);
    return { [conv]: users };
  }
}
