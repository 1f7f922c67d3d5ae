/** Why something failed. */
export class ChatError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {{ status?: number, retryAfter?: number, path?: string, rule?: string }} [more]
   */
  constructor(code, message, more = {}) {
    super(message || code);
    this.name = "ChatError";
    this.code = code;
    this.status = more.status ?? 0;
    this.retryAfter = more.retryAfter ?? undefined;
    this.path = more.path ?? undefined;
    this.rule = more.rule ?? undefined;
  }

  get retryable() {
    return [429, 500, 503].includes(this.status) || ["timeout", "disconnected", "offline"].includes(this.code);
  }

  /** Reads what the core, another tab or the store says. */
  static from(plain) {
    if (plain instanceof ChatError) return plain;
    return new ChatError(plain.code || "internal", plain.message ?? "", plain);
  }

  /** Says it in a form that can be stored and sent to another tab. */
  plain() {
    const { code, message, status, retryAfter, path, rule } = this;
    return { code, message, status, retryAfter, path, rule };
  }
}
