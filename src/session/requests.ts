import { EMPTY_BYTES } from '../codec/index.js';
import type { EthRequest, EthResponse, MessageSpec } from '../eth/index.js';
import { peekRequestId, REQUEST_ID_HEAD_BYTES } from '../eth/index.js';
import type { IncomingMessage } from '../rlpx/index.js';
import type { Clock, Timer } from '../runtime/index.js';
import { type Ending, endings } from './close-cause.js';
import type { Deadlines } from './deadlines.js';
import { RequestTimeout, SessionError } from './errors.js';
import type { EthTable } from './eth-table.js';
import { FairQueue, hasFairRoom } from './fair-shares.js';
import type { Outbound } from './lane.js';
import { type Outgoing, REQUEST_LANE } from './outgoing.js';
import { RoundTrips } from './round-trip.js';

/** Requests without an answer that one session may have, those given up included: what the peer can make us remember. */
export const MAX_OPEN_REQUESTS = 512;
/** Of these, and of the places in the request lane, what each kind of request has to itself. */
export const OWN_OPEN_REQUESTS = 32;
export const OWN_LANE_REQUESTS = 16;
/** Callers that wait for room (`backpressure: 'await'`), and what they want to send. */
export const MAX_WAITING_CALLERS = 1_024;
export const MAX_WAITING_BYTES: number = 4 * 1024 * 1024;

export interface RequestOptions {
  readonly signal?: AbortSignal;
  /** Instead of the time that the measured round trips allow; milliseconds. */
  readonly timeoutMs?: number;
  /**
   * Where there is no room for one more request: `error` says so at once (ERR_SESSION_QUEUE_FULL), `await` waits for it, at
   * most `timeoutMs` (20 s where left out); what is left of a given `timeoutMs` is then for the answer. Default `error`.
   */
  readonly backpressure?: 'error' | 'await';
}

/** Asked and not answered. After its deadline, or once the caller has gone, it stays to absorb a late answer. */
export interface OpenRequest {
  readonly id: bigint;
  /** Its name. */
  readonly kind: EthRequest['name'];
  readonly spec: MessageSpec;
  readonly answer: MessageSpec;
  readonly maxItems: number;
  readonly askedAtMs: number;
  /** What the caller allows; undefined: what the round trips do. */
  readonly timeoutMs: number | undefined;
  readonly bytes: number;
  /** Until it is handed to the lane. */
  payload: Uint8Array;
  message: Outbound | undefined;
  timer: Timer | undefined;
  /** Undefined once the caller has its result. */
  settle: ((outcome: EthResponse | Error) => void) | undefined;
}

/** The open request that a message answers, or why the session has to end. */
export type AnswerMatch =
  | { readonly asked: OpenRequest; readonly refused?: undefined }
  | { readonly asked?: undefined; readonly refused: Ending };

export interface InflightOptions {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly protocol: EthTable;
  readonly outgoing: Outgoing;
  /** Whether answers are read at all at the moment; while not, nobody is blamed for a missing one. */
  readonly reading: () => boolean;
  /** @returns why nothing is asked any more: the session has ended */
  readonly over: () => SessionError | undefined;
  readonly breach: (ending: Ending) => void;
}

/** An answer as it came: still compressed. */
export type IncomingAnswer = Pick<IncomingMessage, 'declaredBytes' | 'head' | 'payload'>;

/** Our requests to one peer: numbered, each with its deadline, matched by id and by the message that answers it. */
export class InflightRequests {
  readonly #options: InflightOptions;
  readonly #open = new Map<bigint, OpenRequest>();
  /** Of each kind that the version knows, by name: how many are open, and the id of its message. */
  readonly #kinds = new Map<string, { open: number; readonly messageId: number }>();
  readonly #callers = new FairQueue<OpenRequest>(MAX_WAITING_CALLERS, MAX_WAITING_BYTES);
  readonly roundTrips: RoundTrips;
  #lastId = 0n;
  #answered = 0;

  constructor(options: InflightOptions) {
    this.#options = options;
    this.roundTrips = new RoundTrips(options.deadlines);
    for (const [name, { kind, id }] of options.protocol.byName)
      if (kind === 'request') this.#kinds.set(name, { open: 0, messageId: id });
    options.outgoing.onRequestRoom(() => this.#advance());
  }

  /** How many are open, those given up included. */
  get size(): number {
    return this.#open.size;
  }

  /** Those for whose answer somebody waits. */
  get waiting(): number {
    let waiting = this.#callers.items;
    for (const { settle } of this.#open.values()) if (settle !== undefined) waiting++;
    return waiting;
  }

  /** Callers that wait for room to ask at all. */
  get callers(): number {
    return this.#callers.items;
  }

  /** How many were answered while somebody waited. */
  get answeredInAll(): number {
    return this.#answered;
  }

  /**
   * Sends the request under an id of its own (`request.requestId` is not looked at).
   * @throws SessionError ERR_SESSION_UNSUPPORTED, ERR_SESSION_QUEUE_FULL, ERR_SESSION_TIMEOUT, ERR_SESSION_ABORTED,
   *   ERR_SESSION_NOT_ACTIVE, ERR_SESSION_EXPIRED; EthError ERR_ETH_ENCODE
   */
  async ask(request: EthRequest, options: RequestOptions = {}): Promise<EthResponse> {
    const { protocol, clock } = this.#options;
    const over = this.#options.over();
    if (over !== undefined) throw over;
    if (options.signal?.aborted) throw aborted(options.signal);
    const spec = protocol.byName.get(request.name);
    const answer = spec?.answer === undefined ? undefined : protocol.byName.get(spec.answer);
    if (spec === undefined || answer === undefined) {
      throw new SessionError(
        'ERR_SESSION_UNSUPPORTED',
        `eth/${protocol.version} knows no request ${request.name}`,
      );
    }
    const waits = options.backpressure === 'await';
    if (!waits && !this.#hasRoom(request.name)) throw queueFull(`no room for one more ${request.name}`);
    const id = ++this.#lastId;
    const payload = spec.encode({ ...request, requestId: id });
    return new Promise((resolve, reject) => {
      const asked: OpenRequest = {
        id,
        kind: request.name,
        spec,
        answer,
        maxItems: itemsAsked(request),
        askedAtMs: clock.now(),
        timeoutMs: options.timeoutMs,
        bytes: payload.length,
        payload,
        message: undefined,
        timer: undefined,
        settle: undefined,
      };
      const { signal } = options;
      const withdrawn = (): void => this.#giveUp(asked, aborted(signal));
      asked.settle = (outcome) => {
        asked.settle = undefined;
        signal?.removeEventListener('abort', withdrawn);
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      };
      signal?.addEventListener('abort', withdrawn, { once: true });
      if (this.#hasRoom(asked.kind) && this.#begin(asked)) return;
      if (waits) this.#wait(asked);
      else asked.settle(queueFull('the request lane is full'));
    });
  }

  /** Whether an answer of this kind is open at all: asked before one is decompressed. */
  expects(spec: MessageSpec): boolean {
    for (const { answer } of this.#open.values()) if (answer === spec) return true;
    return false;
  }

  /**
   * Which open request this answers, judged by its id alone: then whether it is the message that was asked for. What nobody
   * waits for is not even decompressed, and nothing has changed. @throws EthError, RlpxError where the id cannot be read
   */
  match(spec: MessageSpec, message: IncomingAnswer): AnswerMatch {
    if (!this.expects(spec)) return unasked(`${spec.name} came, and nothing that it could answer is open`);
    const id = peekRequestId(message.head(REQUEST_ID_HEAD_BYTES), message.declaredBytes);
    const asked = this.#open.get(id);
    if (asked === undefined) return unasked(`${spec.name} ${id} answers no open request`);
    if (asked.answer !== spec) {
      const says = `${spec.name} ${id} came as the answer to ${asked.kind}`;
      return { refused: endings.breach('ERR_SESSION_ANSWER_MISMATCH', says) };
    }
    if (asked.message?.sentAtMs === undefined)
      return unasked(`${spec.name} ${id} answers a request that was not sent yet`);
    return { asked };
  }

  /** Takes the answer to a request. @throws EthError, RlpxError for content that cannot be read; then it stays open */
  answered(asked: OpenRequest, message: IncomingAnswer): void {
    const spec = asked.answer;
    const response =
      asked.settle === undefined
        ? undefined
        : spec.decode(message.payload(spec.maxBytes), { maxItems: asked.maxItems });
    this.#close(asked);
    const nowMs = this.#options.clock.now();
    this.roundTrips.sample(asked.kind, nowMs - (asked.message?.sentAtMs ?? nowMs));
    if (response === undefined) return;
    this.#answered++;
    asked.settle?.(response as EthResponse);
  }

  /** The session is over: everybody who waits hears it. */
  end(error: SessionError): void {
    for (const asked of [...this.#callers]) {
      this.#callers.remove(asked);
      asked.timer?.cancel();
      asked.settle?.(error);
    }
    for (const asked of [...this.#open.values()]) {
      this.#close(asked);
      asked.settle?.(error);
    }
  }

  /** Callers that have waited longer come first; and a kind leaves the others their places. */
  #hasRoom(kind: string): boolean {
    return !this.#callers.has(kind) && this.#hasPlace(kind);
  }

  #hasPlace(kind: string): boolean {
    const { outgoing } = this.#options;
    const kinds = this.#kinds;
    const open = (name: string): number => kinds.get(name)?.open ?? 0;
    const inLane = (name: string): number => outgoing.requestsOf(kinds.get(name)?.messageId ?? -1);
    return (
      hasFairRoom(kind, kinds.keys(), open, MAX_OPEN_REQUESTS, OWN_OPEN_REQUESTS) &&
      hasFairRoom(kind, kinds.keys(), inLane, REQUEST_LANE.maxItems, OWN_LANE_REQUESTS)
    );
  }

  /** Hands it to the lane. @returns false where that is full; nothing has changed then */
  #begin(asked: OpenRequest): boolean {
    const { outgoing, clock } = this.#options;
    const message = outgoing.request(asked.spec.id, asked.payload);
    if (message === undefined) return false;
    asked.message = message;
    asked.payload = EMPTY_BYTES;
    const waitedMs = clock.now() - asked.askedAtMs;
    const timeoutMs = asked.timeoutMs ?? this.roundTrips.timeoutMs(asked.kind);
    asked.timer = clock.timer(
      Math.max(0, asked.timeoutMs === undefined ? timeoutMs : timeoutMs - waitedMs),
      () => this.#giveUp(asked, new RequestTimeout(asked.kind, timeoutMs)),
    );
    this.#open.set(asked.id, asked);
    this.#count(asked.kind, 1);
    return true;
  }

  #wait(asked: OpenRequest): void {
    const { clock, deadlines } = this.#options;
    if (!this.#callers.push(asked)) {
      asked.settle?.(queueFull(`${this.#callers.items} callers wait already`));
      return;
    }
    const timeoutMs = asked.timeoutMs ?? deadlines.answerMaxMs;
    asked.timer = clock.timer(timeoutMs, () =>
      this.#giveUp(asked, new RequestTimeout(asked.kind, timeoutMs)),
    );
  }

  /** There may be room: callers that wait go on, kinds in turn. */
  #advance(): void {
    for (;;) {
      const asked = this.#callers.next(({ kind }) => this.#hasPlace(kind));
      if (asked === undefined) return;
      const waiting = asked.timer;
      if (!this.#begin(asked)) return;
      waiting?.cancel();
      this.#callers.remove(asked);
    }
  }

  #count(kind: string, change: 1 | -1): void {
    const count = this.#kinds.get(kind);
    if (count !== undefined) count.open += change;
  }

  /** The caller gets its error; a request that was sent stays, for its answer may still come. */
  #giveUp(asked: OpenRequest, error: SessionError): void {
    if (this.#callers.remove(asked)) {
      asked.timer?.cancel();
    } else if (asked.message?.sentAtMs === undefined) {
      this.#close(asked);
      if (asked.message !== undefined) this.#options.outgoing.withdraw(asked.message);
    } else {
      this.#awaitLate(asked);
    }
    asked.settle?.(error);
  }

  #awaitLate(asked: OpenRequest): void {
    const { clock, deadlines } = this.#options;
    asked.timer?.cancel();
    const leftMs = (asked.message?.sentAtMs ?? asked.askedAtMs) + deadlines.lateAnswerMs - clock.now();
    asked.timer = clock.timer(Math.max(0, leftMs), () => this.#neverAnswered(asked));
  }

  #neverAnswered(asked: OpenRequest): void {
    const { clock, deadlines, reading, breach } = this.#options;
    if (!reading()) {
      asked.timer = clock.timer(deadlines.lateAnswerMs, () => this.#neverAnswered(asked));
      return;
    }
    const seconds = Math.round(deadlines.lateAnswerMs / 1_000);
    breach(
      endings.breach(
        'ERR_SESSION_ANSWER_MISSING',
        `${asked.kind} ${asked.id} went unanswered for ${seconds} s`,
      ),
    );
  }

  #close(asked: OpenRequest): void {
    asked.timer?.cancel();
    if (!this.#open.delete(asked.id)) return;
    this.#count(asked.kind, -1);
    this.#advance();
  }
}

/** How many items an answer may have: as many as were asked for. */
function itemsAsked(request: EthRequest): number {
  return request.name === 'GetBlockHeaders' ? Number(request.query.amount) : request.hashes.length;
}

function aborted(signal: AbortSignal | undefined): SessionError {
  return new SessionError('ERR_SESSION_ABORTED', 'called off', { cause: signal?.reason });
}

function unasked(says: string): AnswerMatch {
  return { refused: endings.breach('ERR_SESSION_ANSWER_UNASKED', says) };
}

function queueFull(says: string): SessionError {
  return new SessionError('ERR_SESSION_QUEUE_FULL', says);
}
