// The one WebSocket to merlind: requests with their replies, what is watched, and trying again when it breaks.

import { decode } from './decode.js';

import { inOperatorsWords } from './wording.js';

const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 5000;
const PROTOCOL = 'merlind.v1';

/** A request that merlind refused, in an operator's words; code and field as in schemas/protocol.md. */
export class RequestError extends Error {
  constructor({ code, message, field }) {
    super(inOperatorsWords(message));
    this.code = code;
    this.field = field;
  }
}

/**
 * Events (addEventListener): `state` (detail {connected, retryAt}), `welcome`, `viewers`, `message` (a published
 * message, decoded), `gone` (the old run that it looks at is not open), `broken` (a message that could not be read).
 */
export class Connection extends EventTarget {
  #url;
  #hello;
  #socket = null;
  #watch = null;
  #waiting = new Map();
  #nextId = 1;
  #delay = FIRST_DELAY_MS;
  #timer = 0;
  /** The token of the lease, while this page holds control. */
  lease = null;

  constructor(url, hello) {
    super();
    this.#url = url;
    this.#hello = hello;
  }

  open() {
    clearTimeout(this.#timer);
    const socket = new WebSocket(this.#url, PROTOCOL);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => this.#opened(socket);
    socket.onmessage = ({ data }) => this.#received(data);
    socket.onclose = () => this.#closed(socket);
    this.#socket = socket;
  }

  get connected() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** What to be sent from now on, also after a reconnection. */
  watch(topics, rateHz) {
    const next = JSON.stringify({ watch: { topics, rate_hz: rateHz } });
    if (next === this.#watch) return;
    this.#watch = next;
    if (this.connected) this.#socket.send(next);
  }

  /** Resolves to {result, arrays}; rejects with a RequestError, also when the connection breaks meanwhile. */
  request(cmd, args = {}) {
    if (!this.connected) {
      return Promise.reject(new RequestError({ code: 'not_connected', message: 'merlind cannot be reached just now' }));
    }
    const id = this.#nextId++;
    this.#socket.send(JSON.stringify({ id, cmd, args, ...(this.lease ? { lease: this.lease } : {}) }));
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #opened(socket) {
    socket.send(JSON.stringify({ hello: this.#hello }));
    if (this.#watch) socket.send(this.#watch);
    this.#delay = FIRST_DELAY_MS;
    this.#emit('state', { connected: true });
  }

  #closed(socket) {
    if (socket !== this.#socket) return;
    this.#socket = null;
    const lost = new RequestError({ code: 'not_connected', message: 'the connection to merlind broke' });
    for (const { reject } of this.#waiting.values()) reject(lost);
    this.#waiting.clear();
    this.#emit('state', { connected: false, retryAt: Date.now() + this.#delay });
    this.#timer = setTimeout(() => this.open(), this.#delay);
    this.#delay = Math.min(2 * this.#delay, LONGEST_DELAY_MS);
  }

  #received(data) {
    try {
      if (typeof data === 'string') this.#receivedText(JSON.parse(data));
      else this.#receivedBinary(decode(data));
    } catch (error) {
      this.#emit('broken', { error });
    }
  }

  #receivedText(message) {
    if (message.welcome) this.#emit('welcome', message.welcome);
    else if ('viewers' in message) this.#emit('viewers', message.viewers);
    else if (message.gone) this.#emit('gone', message.gone);
    else this.#reply(message, {});
  }

  #receivedBinary(message) {
    if (message.topic === 'reply/') this.#reply(message.header, message.arrays);
    else this.#emit('message', message);
  }

  #reply(reply, arrays) {
    const waiting = this.#waiting.get(reply.id);
    if (!waiting) return;
    this.#waiting.delete(reply.id);
    if (reply.ok) waiting.resolve({ result: reply.result, arrays });
    else waiting.reject(new RequestError(reply.error));
  }
}
