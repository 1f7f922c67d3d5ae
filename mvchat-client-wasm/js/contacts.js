/** The user's contacts, and their invites to the server. */

import { Cell } from "./readable.js";

export class Contacts {
  all = new Cell(undefined);
  invites = new Cell(undefined);

  #client;
  #rows;
  #wanted = false;
  #invited = false;

  /** @param {any} client What the client lends: `call`, `request` and `people`. */
  constructor(client) {
    this.#client = client;
  }

  /** Follows the contacts, from the first call on. */
  want() {
    if (!this.#wanted) {
      this.#wanted = true;
      this.ask().catch(() => {});
    }
    return this.all;
  }

  /** Follows the invites, from the first call on. */
  wantInvites() {
    if (!this.#invited) {
      this.#invited = true;
      this.askInvites().catch(() => {});
    }
    return this.invites;
  }

  /** Everything is up to date again: what others have changed is asked for, since nobody tells. */
  synced() {
    this.refresh().catch(() => {});
  }

  /** Asks for everything that is followed. */
  async refresh() {
    await Promise.all([this.#wanted && this.ask(), this.#invited && this.askInvites()]);
  }

  /** Asks for the contacts; the engine tells all tabs of the answer. */
  ask() {
    return this.#client.call("contacts", []);
  }

  async askInvites() {
    const { params } = await this.#client.request({ invite: { list: true } });
    this.invites.set(Object.freeze(params.invites));
  }

  /** The engine has the contacts, from the server or from an earlier run. */
  told(rows) {
    const names = new Map(rows.map(({ user, nickname }) => [user, nickname]));
    for (const { user } of this.#rows ?? []) if (!names.has(user)) this.#client.people.name(user, undefined);
    for (const { user, public: profile, online, lastSeen, status, nickname } of rows) {
      this.#client.people.learn({ id: user, public: profile, online, lastSeen, status });
      this.#client.people.name(user, nickname);
    }
    this.#rows = rows;
    this.#render();
  }

  /** Someone's profile or presence is another one. */
  peopled(id) {
    if (this.#rows?.some(({ user }) => user === id)) this.#render();
  }

  #render() {
    const contacts = this.#rows.map(({ user, source, createdAt }) => ({ ...this.#client.people.known(user), source, createdAt }));
    this.all.set(Object.freeze(contacts));
  }

  async add(user) {
    await this.#client.request({ contact: { add: user } });
    await this.#again();
  }

  async remove(user) {
    await this.#client.request({ contact: { remove: user } });
    await this.#again();
  }

  async name(user, nickname) {
    await this.#client.request({ contact: { user, nickname } });
    await this.#again();
  }

  async invite({ email, name }) {
    const { params, ts } = await this.#client.request({ invite: { create: { email, name } } });
    if (this.#invited) await this.askInvites().catch(() => {});
    return { ...params, status: "pending", createdAt: ts };
  }

  async revoke(id) {
    await this.#client.request({ invite: { revoke: id } });
    if (this.#invited) await this.askInvites().catch(() => {});
  }

  /** Uses somebody's invite. Resolves to the conversation with them. */
  async redeem(code) {
    const { params } = await this.#client.request({ invite: { redeem: code } });
    await this.#again();
    return params.conv;
  }

  /** What was just changed is done, even if the list can't be fetched now. */
  async #again() {
    this.#wanted = true;
    await this.ask().catch(() => {});
  }
}
