/** The machine's hands: its socket and its timer. */

/** How long the server may take to show that it is there, when the page is looked at again. */
const ALIVE_WITHIN = 700;
/** After how long a connection attempt is begun again when the network comes back. */
const STUCK_AFTER = 2_000;

/** A clock that never goes back, in milliseconds. */
export const now = () => performance.now();

/** Drives one machine: carries out what it says, and tells it what happens. */
export class Driver {
  #machine;
  #url;
  #WebSocket;
  #onEvents;
  #socket;
  #since = 0;
  #open = false;
  #timer;
  #probe;
  #heard = 0;
  #draining = false;

  /**
   * @param {object} machine
   * @param {string} url
   * @param {new (url: string) => any} WebSocket
   * @param {(events: any[]) => void} onEvents Everything that one input caused, before anything else happens.
   */
  constructor(machine, url, WebSocket, onEvents) {
    this.#machine = machine;
    this.#url = url;
    this.#WebSocket = WebSocket;
    this.#onEvents = onEvents;
  }

  /** Calls the machine and carries out what it says. */
  act(call) {
    const result = call(this.#machine, now());
    this.drain();
    return result;
  }

  drain() {
    // Whoever is told of an event may act on it: that is carried out in the loop that runs already.
    if (this.#draining) return;
    this.#draining = true;
    try {
      for (let again = true; again; ) {
        const said = JSON.parse(this.#machine.drain());
        const events = [];
        for (const output of said) {
          if (output.event) events.push(output.event);
          else if (output.send !== undefined) this.#send(output.send);
          else if (output.connect !== undefined || output === "connect") this.#connect(events);
          else if (output.disconnect !== undefined) this.#disconnect(output.disconnect);
          else this.#wait(output.wait);
        }
        again = events.length > 0;
        if (again) this.#onEvents(events);
      }
    } finally {
      this.#draining = false;
    }
  }

  /** The network is back, or the page is looked at again: come back at once, or find out whether anyone is there. */
  wake() {
    if (this.#socket && !this.#open && now() - this.#since > STUCK_AFTER) return this.#lost();
    this.act((machine, at) => machine.online(at));
    if (!this.#open || this.#probe) return;
    const asked = now();
    this.#probe = setTimeout(() => {
      this.#probe = undefined;
      if (this.#open && this.#heard < asked) this.#lost();
    }, ALIVE_WITHIN);
  }

  /** Leaves the socket and the timer. */
  stop() {
    clearTimeout(this.#timer);
    clearTimeout(this.#probe);
    this.#disconnect(1000);
  }

  /** The connection is dead although nobody said so: come back at once. */
  #lost() {
    this.#disconnect(1000);
    this.act((machine, at) => machine.closed(undefined, at));
    this.act((machine, at) => machine.online(at));
  }

  #connect(events) {
    events.push({ type: "connecting" });
    this.#since = now();
    this.#open = false;
    let socket;
    try {
      socket = new this.#WebSocket(this.#url);
    } catch (error) {
      // An address that is none: as if the server were not there, but not before this drain has ended.
      queueMicrotask(() => this.act((machine, at) => machine.closed(undefined, at)));
      return;
    }
    this.#socket = socket;
    const mine = () => socket === this.#socket;
    socket.onopen = () => {
      if (!mine()) return;
      this.#open = true;
      this.act((machine, at) => machine.opened(at));
    };
    socket.onmessage = ({ data }) => {
      if (!mine() || typeof data !== "string") return;
      this.#heard = now();
      this.act((machine, at) => machine.text(data, at));
    };
    socket.onerror = () => {};
    socket.onclose = ({ code }) => {
      if (!mine()) return;
      this.#socket = undefined;
      this.#open = false;
      this.act((machine, at) => machine.closed(code === 1006 || !code ? undefined : code, at));
    };
  }

  #send(text) {
    try {
      if (this.#open) this.#socket.send(text);
    } catch {
      // The socket is closing; that it has closed is told by itself.
    }
  }

  #disconnect(code) {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#open = false;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    try {
      // Browsers let an app close with 1000 or its own codes only.
      socket.close(code >= 3000 ? code : 1000);
    } catch {
      // It was closed already.
    }
  }

  #wait(until) {
    clearTimeout(this.#timer);
    if (until === null || until === undefined) return;
    const delay = Math.min(Math.max(Math.ceil(until - now()), 0) + 1, 0x7fffffff);
    this.#timer = setTimeout(() => this.act((machine, at) => machine.timeout(at)), delay);
  }
}
