/** Messages that the server has not accepted: on the disk before they touch the network. */

import { ChatError } from "./error.js";

/**
 * @typedef {object} Entry
 * @property {string} cid
 * @property {string} conv
 * @property {object} content
 * @property {number} [replyTo]
 * @property {boolean} [viewOnce]
 * @property {number} [viewOnceTtl]
 * @property {number} [expiresIn]
 * @property {string} at When it was written.
 * @property {number} order Its place among the others.
 * @property {"queued" | "sending" | "sent" | "failed"} state
 * @property {number} [seq] Its number, once it was accepted.
 * @property {object} [error]
 */

export class Outbox {
  #storage;
  #act;
  #tell;
  /** @type {Map<string, Entry>} */
  #entries = new Map();
  #order = 0;
  #writing = Promise.resolve();

  /**
   * @param {any} storage
   * @param {(call: (machine: any, at: number) => any) => any} act Returns what the machine refuses as an error.
   * @param {(patch: any) => void} tell
   */
  constructor(storage, act, tell) {
    this.#storage = storage;
    this.#act = act;
    this.#tell = tell;
  }

  /** Takes over what an earlier run left. */
  async restore(machine, user) {
    const entries = [...(await this.#storage.all("outbox")).values()].sort((a, b) => a.order - b.order);
    for (const entry of entries) {
      if (entry.state !== "failed") entry.state = "queued";
      this.#entries.set(entry.cid, entry);
      this.#order = Math.max(this.#order, entry.order + 1);
    }
    const items = entries.filter(({ state }) => state === "queued").map(item);
    if (items.length > 0) machine.importOutbox(JSON.stringify({ user, items }), 0);
  }

  entries() {
    return Object.fromEntries(this.#entries);
  }

  /** Resolves when nothing is being written. */
  idle() {
    return this.#writing;
  }

  /** Takes a message, once: on the disk first, then to the core. */
  add(entry) {
    if (this.#entries.has(entry.cid)) return this.#writing;
    const kept = { ...entry, order: this.#order++, state: "queued" };
    this.#put(kept);
    return this.#write(async () => {
      try {
        await this.#storage.write([["outbox", kept.cid, kept]], true);
      } catch (error) {
        // It is sent all the same: a full disk is no reason to lose what can be delivered now.
        console.warn("mvchat: the message is not kept over a restart:", error);
      }
      this.#hand(kept.cid);
    });
  }

  /** Sends a failed message again. */
  async retry(cid) {
    const entry = this.#entries.get(cid);
    if (entry?.state !== "failed") return;
    if (entry.error?.code !== "cid_reused") {
      const { error, ...again } = entry;
      await this.#keep({ ...again, state: "queued" });
      return this.#hand(cid);
    }
    // The id belongs to another message of the past: this one needs a new one.
    await this.discard(cid);
    const { error, seq, ...again } = entry;
    await this.add({ ...again, cid: crypto.randomUUID() });
  }

  /** Takes a message away that has failed or was never sent. Returns whether it could. */
  async discard(cid) {
    await this.#writing;
    const entry = this.#entries.get(cid);
    if (!entry || entry.state === "sent") return false;
    if (entry.state !== "failed" && this.#act((machine, at) => machine.cancel(cid, at)) !== true) return false;
    this.#drop(cid);
    await this.#writing;
    return true;
  }

  /** The core says how far a message is. */
  moved({ cid, state, seq, error }) {
    const entry = this.#entries.get(cid);
    if (!entry) return;
    if (state === "failed") {
      // One that was taken back goes with the call that did it.
      if (error.code !== "cancelled") this.#failed(entry, error);
    } else {
      this.#put({ ...entry, state, seq: seq ?? undefined });
      if (state === "sent") this.#write(() => this.#storage.write([["outbox", cid, undefined]]));
    }
  }

  /** Leaves out what was accepted and is among the conversation's messages by now. Returns the patch. */
  landed(holds) {
    let patch;
    for (const { cid, conv, seq, state } of this.#entries.values()) {
      if (state !== "sent" || !holds(conv, seq)) continue;
      this.#entries.delete(cid);
      (patch ??= {})[cid] = null;
    }
    return patch;
  }

  /** Drops everything, without a trace. */
  forget() {
    for (const cid of [...this.#entries.keys()]) this.#drop(cid);
  }

  #hand(cid) {
    const entry = this.#entries.get(cid);
    if (!entry || entry.state !== "queued") return;
    const refused = this.#act((machine, at) => machine.send(JSON.stringify(item(entry)), at));
    if (refused instanceof ChatError) this.#failed(entry, refused.plain());
  }

  #failed(entry, error) {
    const failed = { ...entry, state: "failed", error };
    this.#keep(failed);
    this.#tell({ events: [{ type: "failed", conv: entry.conv, cid: entry.cid, error }] });
  }

  #keep(entry) {
    this.#put(entry);
    return this.#write(() => this.#storage.write([["outbox", entry.cid, entry]], true));
  }

  #put(entry) {
    this.#entries.set(entry.cid, entry);
    this.#tell({ outbox: { [entry.cid]: entry } });
  }

  #drop(cid) {
    this.#entries.delete(cid);
    this.#write(() => this.#storage.write([["outbox", cid, undefined]], true));
    this.#tell({ outbox: { [cid]: null } });
  }

  /** One write after the other, so that messages keep their order and the newest state wins. */
  #write(write) {
    this.#writing = this.#writing.then(write).catch((error) => console.warn("mvchat: the storage failed:", error));
    return this.#writing;
  }
}

function item({ cid, conv, content, replyTo, viewOnce = false, viewOnceTtl, expiresIn }) {
  return { cid, conv, content, replyTo, viewOnce, viewOnceTtl, expiresIn };
}
