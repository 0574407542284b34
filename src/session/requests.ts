import type { EthRequest, EthResponse, MessageSpec } from '../eth/index.js';
import { peekRequestId, REQUEST_ID_HEAD_BYTES } from '../eth/index.js';
import type { IncomingMessage } from '../rlpx/index.js';
import type { Clock, Timer } from '../runtime/index.js';
import { type Ending, endings } from './close-cause.js';
import type { Deadlines } from './deadlines.js';
import { RequestTimeout, SessionError } from './errors.js';
import type { EthTable } from './eth-table.js';
import type { Outbound } from './lane.js';
import type { Outgoing } from './outgoing.js';
import { RoundTrips } from './round-trip.js';

/** Requests without an answer that one session may have, those given up included: what the peer can make us remember. */
export const MAX_OPEN_REQUESTS = 512;

export interface RequestOptions {
  readonly signal?: AbortSignal;
  /** Instead of the time that the measured round trips allow; milliseconds. */
  readonly timeoutMs?: number;
}

/** Asked and not answered. After its deadline, or once the caller has gone, it stays to absorb a late answer. */
interface InflightRequest {
  readonly id: bigint;
  readonly name: EthRequest['name'];
  readonly answer: MessageSpec;
  readonly maxItems: number;
  readonly openedAtMs: number;
  message: Outbound | undefined;
  timer: Timer | undefined;
  /** Undefined once the caller has its result. */
  settle: ((outcome: EthResponse | Error) => void) | undefined;
}

export interface InflightOptions {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly protocol: EthTable;
  readonly outgoing: Outgoing;
  /** Whether answers are read at all at the moment; while not, nobody is blamed for a missing one. */
  readonly reading: () => boolean;
  readonly breach: (ending: Ending) => void;
}

/** An answer as it came: still compressed. */
export type IncomingAnswer = Pick<IncomingMessage, 'declaredBytes' | 'head' | 'payload'>;

/** Our requests to one peer: numbered, each with its deadline, matched by id and by the message that answers it. */
export class InflightRequests {
  readonly #options: InflightOptions;
  readonly #open = new Map<bigint, InflightRequest>();
  readonly roundTrips: RoundTrips;
  #lastId = 0n;
  #answered = 0;
  #ended: SessionError | undefined;

  constructor(options: InflightOptions) {
    this.#options = options;
    this.roundTrips = new RoundTrips(options.deadlines);
  }

  /** How many are open, those given up included. */
  get size(): number {
    return this.#open.size;
  }

  /** Those for whose answer somebody waits. */
  get waiting(): number {
    let waiting = 0;
    for (const { settle } of this.#open.values()) if (settle !== undefined) waiting++;
    return waiting;
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
    const { protocol, outgoing, clock } = this.#options;
    if (this.#ended !== undefined) throw this.#ended;
    if (options.signal?.aborted) throw aborted(options.signal);
    const spec = protocol.byName.get(request.name);
    const answer = spec?.answer === undefined ? undefined : protocol.byName.get(spec.answer);
    if (spec === undefined || answer === undefined) {
      throw new SessionError(
        'ERR_SESSION_UNSUPPORTED',
        `eth/${protocol.version} knows no request ${request.name}`,
      );
    }
    if (this.#open.size >= MAX_OPEN_REQUESTS) throw queueFull(`${MAX_OPEN_REQUESTS} requests are open`);
    const id = ++this.#lastId;
    const payload = spec.encode({ ...request, requestId: id });
    return new Promise((resolve, reject) => {
      const asked: InflightRequest = {
        id,
        name: request.name,
        answer,
        maxItems: itemsAsked(request),
        openedAtMs: clock.now(),
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
      const timeoutMs = options.timeoutMs ?? this.roundTrips.timeoutMs(request.name);
      asked.timer = clock.timer(timeoutMs, () =>
        this.#giveUp(asked, new RequestTimeout(request.name, timeoutMs)),
      );
      this.#open.set(id, asked);
      signal?.addEventListener('abort', withdrawn, { once: true });
      const message = outgoing.request(spec.id, payload);
      if (message === undefined) {
        this.#close(asked);
        asked.settle?.(queueFull('the request lane is full'));
        return;
      }
      asked.message = message;
    });
  }

  /** Whether an answer of this kind is open at all: asked before one is decompressed. */
  expects(spec: MessageSpec): boolean {
    for (const { answer } of this.#open.values()) if (answer === spec) return true;
    return false;
  }

  /**
   * Takes an answer: its id first, then whether it is the message that was asked for, and only then what is in it. What
   * nobody waits for is not even decompressed.
   * @returns why the session has to end, if it has to. @throws EthError, RlpxError for content that cannot be read
   */
  answered(spec: MessageSpec, message: IncomingAnswer): Ending | undefined {
    const id = peekRequestId(message.head(REQUEST_ID_HEAD_BYTES), message.declaredBytes);
    const asked = this.#open.get(id);
    if (asked === undefined)
      return endings.breach('ERR_SESSION_ANSWER_UNASKED', `${spec.name} ${id} answers no open request`);
    if (asked.answer !== spec) {
      return endings.breach(
        'ERR_SESSION_ANSWER_MISMATCH',
        `${spec.name} ${id} came as the answer to ${asked.name}`,
      );
    }
    const sentAtMs = asked.message?.sentAtMs;
    if (sentAtMs === undefined) {
      return endings.breach(
        'ERR_SESSION_ANSWER_UNASKED',
        `${spec.name} ${id} answers a request that was not sent yet`,
      );
    }
    const response =
      asked.settle === undefined
        ? undefined
        : spec.decode(message.payload(spec.maxBytes), { maxItems: asked.maxItems });
    this.#close(asked);
    this.roundTrips.sample(asked.name, this.#options.clock.now() - sentAtMs);
    if (response === undefined) return undefined;
    this.#answered++;
    asked.settle?.(response as EthResponse);
    return undefined;
  }

  /** The session is over: everybody who waits hears it. */
  end(error: SessionError): void {
    this.#ended = error;
    for (const asked of [...this.#open.values()]) {
      this.#close(asked);
      asked.settle?.(error);
    }
  }

  /** The caller gets its error; a request that was sent stays, for its answer may still come. */
  #giveUp(asked: InflightRequest, error: SessionError): void {
    if (asked.message?.sentAtMs === undefined) {
      if (asked.message !== undefined) this.#options.outgoing.withdraw(asked.message);
      this.#close(asked);
    } else {
      this.#awaitLate(asked);
    }
    asked.settle?.(error);
  }

  #awaitLate(asked: InflightRequest): void {
    const { clock, deadlines } = this.#options;
    asked.timer?.cancel();
    const leftMs = (asked.message?.sentAtMs ?? asked.openedAtMs) + deadlines.lateAnswerMs - clock.now();
    asked.timer = clock.timer(Math.max(0, leftMs), () => this.#neverAnswered(asked));
  }

  #neverAnswered(asked: InflightRequest): void {
    const { clock, deadlines, reading, breach } = this.#options;
    if (!reading()) {
      asked.timer = clock.timer(deadlines.lateAnswerMs, () => this.#neverAnswered(asked));
      return;
    }
    const seconds = Math.round(deadlines.lateAnswerMs / 1_000);
    breach(
      endings.breach(
        'ERR_SESSION_ANSWER_MISSING',
        `${asked.name} ${asked.id} went unanswered for ${seconds} s`,
      ),
    );
  }

  #close(asked: InflightRequest): void {
    asked.timer?.cancel();
    this.#open.delete(asked.id);
  }
}

/** How many items an answer may have: as many as were asked for. */
function itemsAsked(request: EthRequest): number {
  return request.name === 'GetBlockHeaders' ? Number(request.query.amount) : request.hashes.length;
}

function aborted(signal: AbortSignal | undefined): SessionError {
  return new SessionError('ERR_SESSION_ABORTED', 'called off', { cause: signal?.reason });
}

function queueFull(says: string): SessionError {
  return new SessionError('ERR_SESSION_QUEUE_FULL', says);
}
