/** One message, as it is at one moment. */

import { ChatError } from "./error.js";

/** Makes content of what apps may give. */
export function contentOf(draft, mentions) {
  const content = typeof draft === "string" ? { v: 1, text: draft } : { v: 1, ...draft };
  return mentions?.length ? { ...content, mentions } : content;
}

const NONE = Object.freeze([]);

export class Message {
  #room;

  /**
   * @param {any} room The conversation that it belongs to.
   * @param {object} fields
   */
  constructor(room, fields) {
    this.#room = room;
    Object.assign(this, fields);
    Object.freeze(this);
  }

  /** Reads a message that the server has. */
  static of(room, item, { me, status, limits }) {
    const head = item.head ?? {};
    const mine = item.from === me;
    const live = mine && !item.deleted;
    const written = Date.parse(item.ts);
    const edits = head.edit_count ?? 0;
    return new Message(room, {
      key: mine && item.cid ? item.cid : `#${item.seq}`,
      conv: room.id,
      seq: item.seq,
      cid: item.cid,
      from: item.from,
      mine,
      at: item.ts,
      content: item.content ?? undefined,
      text: textOf(item.content),
      status,
      error: undefined,
      deleted: item.deleted === true,
      unsent: head.unsent === true,
      expired: head.expired === true,
      expiresAt: head.expires_at,
      event: head.event,
      unavailable: item.unavailable === true,
      editedAt: head.edited_at,
      editCount: edits,
      replyTo: head.reply_to ?? item.content?.reply?.seq,
      reply: head.reply,
      reactions: reactionsOf(head.reactions, me),
      mentions: head.mentions ?? NONE,
      viewOnce: item.viewOnce === true || head.view_once === true,
      editableUntil: live && edits < limits.maxEditCount ? written + limits.editWindow * 1000 : 0,
      unsendableUntil: live ? written + limits.unsendWindow * 1000 : 0,
    });
  }

  /** Reads a message of the outbox. */
  static pending(room, entry, me) {
    return new Message(room, {
      key: entry.cid,
      conv: room.id,
      seq: entry.seq,
      cid: entry.cid,
      from: me,
      mine: true,
      at: entry.at,
      content: entry.content,
      text: textOf(entry.content),
      status: entry.state,
      error: entry.error && ChatError.from(entry.error),
      deleted: false,
      unsent: false,
      expired: false,
      expiresAt: undefined,
      event: undefined,
      unavailable: false,
      editedAt: undefined,
      editCount: 0,
      replyTo: entry.replyTo,
      reply: undefined,
      reactions: NONE,
      mentions: entry.content.mentions ?? NONE,
      viewOnce: entry.viewOnce === true,
      editableUntil: 0,
      unsendableUntil: 0,
    });
  }

  edit(content) {
    return this.#room.edit(this.#number(), content);
  }

  unsend() {
    return this.#room.unsend(this.#number());
  }

  delete(options) {
    return this.#room.delete(this.#number(), options);
  }

  react(emoji, on) {
    return this.#room.react(this.#number(), emoji, on);
  }

  pin() {
    return this.#room.pin(this.#number());
  }

  report(reason) {
    return this.#room.report(this.#number(), reason);
  }

  retry() {
    return this.#room._retry(this.cid);
  }

  discard() {
    return this.#room._discard(this.cid);
  }

  #number() {
    if (this.seq === undefined) throw new ChatError("not_sent", "the message has not been accepted yet");
    return this.seq;
  }
}

function textOf(content) {
  return typeof content === "string" ? content : (content?.text ?? "");
}

function reactionsOf(reactions, me) {
  if (!reactions) return NONE;
  return Object.entries(reactions).map(([emoji, users]) => ({ emoji, users, mine: users.includes(me) }));
}
