/** One conversation: what is in it and what can be done in it. */

import { contentOf } from "./message.js";
import { Derived } from "./readable.js";
import { Room } from "./room.js";

export class Conversation {
  #room;
  #client;
  #messages;

  /** @param {any} client What the client lends: `call`, `request` and what it knows. @param {string} id */
  constructor(client, id) {
    this.id = id;
    this.#client = client;
    this.#room = new Room(client, this);
    this.#messages = new Derived(this.#room.timeline, ({ messages }) => messages);
  }

  /** What the client tells the conversation. Not for apps. */
  get _room() {
    return this.#room;
  }

  get info() {
    return this.#room.info;
  }

  get timeline() {
    this.#room.open();
    return this.#room.timeline;
  }

  get messages() {
    this.#room.open();
    return this.#messages;
  }

  get members() {
    this.#room.wantMembers();
    return this.#room.members;
  }

  get receipts() {
    this.#room.wantReceipts();
    return this.#room.receipts;
  }

  get typing() {
    return this.#room.typing;
  }

  send(draft, { replyTo, mentions, viewOnce, viewOnceTTL, expiresIn } = {}) {
    const entry = {
      cid: crypto.randomUUID(),
      conv: this.id,
      content: contentOf(draft, mentions),
      replyTo,
      viewOnce,
      viewOnceTtl: viewOnceTTL,
      expiresIn,
      at: new Date().toISOString(),
    };
    return this.#room.send(entry);
  }

  async loadOlder(limit) {
    await this.#room.open();
    return this.#room.older(limit);
  }

  async jumpTo(seq) {
    await this.#room.open();
    const find = () => this.#room.timeline.value.messages.find((message) => message.seq === seq);
    while (!find() && this.#room.reaches(seq) && (await this.#room.older(100)));
    return find();
  }

  setTyping() {
    this.#client.call("typing", [this.id]).catch(() => {});
  }

  async markRead(seq = this.info.value?.lastSeq ?? 0) {
    if (seq > (this.info.value?.readSeq ?? 0)) await this.#client.call("read", [this.id, seq]);
  }

  async edit(seq, draft) {
    await this.#ask({ edit: { conv: this.id, seq, content: contentOf(draft) } });
  }

  async unsend(seq) {
    await this.#ask({ unsend: { conv: this.id, seq } });
  }

  async delete(seq, { forEveryone = false } = {}) {
    await this.#ask({ delete: { conv: this.id, seq, forEveryone } });
  }

  async react(seq, emoji, on) {
    const reaction = this.#room.message(seq)?.reactions.find((reaction) => reaction.emoji === emoji);
    const add = on ?? !reaction?.mine;
    await this.#ask({ react: { conv: this.id, seq, emoji, op: add ? "add" : "remove" } });
  }

  async pin(seq) {
    await this.#ask({ pin: { conv: this.id, seq } });
  }

  async unpin() {
    await this.#ask({ pin: { conv: this.id, seq: 0 } });
  }

  async report(seq, reason) {
    await this.#ask({ report: { conv: this.id, seq, reason } });
  }

  async clear(seq = this.info.value?.lastSeq ?? 0) {
    if (seq > 0) await this.#ask({ clear: { conv: this.id, seq } });
  }

  async set(settings) {
    await this.#ask({ dm: { conv: this.id, ...settings } });
  }

  async setDisappearing(ttl) {
    const disappearingTTL = ttl ?? 0;
    const group = this.info.value?.type === "group";
    await (group ? this.#group("update", { disappearingTTL }) : this.#ask({ dm: { conv: this.id, disappearingTTL } }));
  }

  async setRetention(seconds) {
    const retention = seconds ?? 0;
    const group = this.info.value?.type === "group";
    await (group ? this.#group("update", { retention }) : this.#ask({ dm: { conv: this.id, retention } }));
  }

  async invite(user) {
    await this.#group("invite", { user });
  }

  async kick(user) {
    await this.#group("kick", { user });
  }

  async leave() {
    await this.#group("leave");
  }

  async setRole(user, role) {
    await this.#group("role", { user, role });
  }

  async transfer(user) {
    await this.#group("transfer", { user });
  }

  async ban(user) {
    await this.#group("ban", { user });
  }

  async unban(user) {
    await this.#group("unban", { user });
  }

  async mute(user, until) {
    await this.#group("mute", { user, until: until === undefined ? undefined : new Date(until).toISOString() });
  }

  async unmute(user) {
    await this.#group("unmute", { user });
  }

  async links() {
    return (await this.#group("link", { list: true })).params.links;
  }

  async createLink({ expiresIn, maxUses } = {}) {
    return (await this.#group("link", { create: true, expiresIn, maxUses })).params;
  }

  async revokeLink(code) {
    await this.#group("link", { revoke: code });
  }

  async deleteGroup() {
    await this.#group("delete");
  }

  async update({ public: profile, noScreenshots, slowMode, joinable, systemMessages }) {
    // One request changes one thing.
    if (profile !== undefined) await this.#group("update", { desc: { public: profile } });
    if (noScreenshots !== undefined) await this.#group("update", { noScreenshots });
    if (slowMode !== undefined) await this.#group("update", { slowMode: slowMode ?? 0 });
    if (joinable !== undefined) await this.#group("update", { joinable });
    if (systemMessages !== undefined) await this.#group("update", { systemMessages });
  }

  async refresh() {
    await Promise.all([this.#room.askMembers(), this.#room.askReceipts()]);
  }

  /** Sends a failed message again. Not for apps: they have {@link Message.retry}. */
  async _retry(cid) {
    await this.#client.call("retry", [cid]);
  }

  /** Takes a message back. Not for apps: they have {@link Message.discard}. */
  _discard(cid) {
    return this.#client.call("discard", [cid]);
  }

  #group(action, fields = {}) {
    return this.#ask({ group: { action, id: this.id, ...fields } });
  }

  #ask(raw) {
    return this.#client.request(raw);
  }
}
