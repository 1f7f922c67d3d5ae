/** The users that the client has heard of, and who of them is here. */

import { Cell, Derived } from "./readable.js";

export class People {
  #request;
  #cells = new Map();
  #presences = new Map();
  #changed;

  /** @param {(raw: any) => Promise<any>} request @param {(id: string) => void} changed */
  constructor(request, changed) {
    this.#request = request;
    this.#changed = changed;
  }

  /** Takes over what the server says about a user. */
  learn({ id, public: profile, online = false, lastSeen, status }) {
    const cell = this.#cell(id);
    const before = cell.value;
    const user = { id, public: profile ?? null, online, lastSeen: lastSeen ?? before?.lastSeen, status, nickname: before?.nickname };
    this.#put(cell, user);
  }

  /** The user of this client calls someone whom the client has heard of by this name. */
  name(id, nickname) {
    const cell = this.#cell(id);
    if (cell.value) this.#put(cell, { ...cell.value, nickname });
  }

  #put(cell, user) {
    if (cell.value && JSON.stringify(cell.value) === JSON.stringify(user)) return;
    cell.set(user);
    this.#changed(user.id);
  }

  /** Someone came or went. */
  moved({ user: id, online, lastSeen }) {
    const before = this.#cells.get(id)?.value;
    if (before) this.learn({ ...before, online, lastSeen });
  }

  /** Returns the user as far as known. */
  known(id) {
    return this.#cells.get(id)?.value;
  }

  /** Returns the user, who is asked for if unknown. */
  user(id) {
    const cell = this.#cell(id);
    if (!cell.value && !cell.asked) this.#ask(id, cell);
    return cell;
  }

  presence(id) {
    if (!this.#presences.has(id)) this.#presences.set(id, new Derived(this.user(id), presenceOf));
    return this.#presences.get(id);
  }

  /** The connection is back: asks again for those who could not be fetched. */
  again() {
    for (const [id, cell] of this.#cells) if (!cell.value && !cell.asked) this.#ask(id, cell);
  }

  async #ask(id, cell) {
    cell.asked = true;
    try {
      const { params } = await this.#request({ get: { what: "user", user: id } });
      this.learn(params.user);
    } catch (error) {
      // Whoever does not exist is not asked for again.
      cell.asked = !error.retryable;
    }
  }

  #cell(id) {
    if (!this.#cells.has(id)) this.#cells.set(id, new Cell(undefined));
    return this.#cells.get(id);
  }
}

function presenceOf(user) {
  return { online: user?.online ?? false, lastSeen: user?.lastSeen };
}
