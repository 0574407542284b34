import {
  createJSONRPCErrorResponse,
  createJSONRPCRequest,
  JSONRPCClient,
  type JSONRPCRequest,
  type JSONRPCResponse,
} from 'json-rpc-2.0';
import PQueue from 'p-queue';
import type { Clock } from '../../runtime/index.js';
import type { RpcLink } from './link.js';

/** What came of a call: its result, the server's refusal, or nothing since the server could not be reached. */
export type RpcAnswer =
  | { readonly kind: 'result'; readonly result: unknown }
  | { readonly kind: 'refused'; readonly code: number; readonly says: string }
  | { readonly kind: 'unreached'; readonly says: string };

export interface RpcCall {
  readonly method: string;
  readonly params: readonly unknown[];
  /** Whether its answer may have megabytes: few of them go into one batch. */
  readonly heavy?: boolean;
}

export interface RpcOptions {
  readonly clock: Clock;
  /** Of one batch. */
  readonly timeoutMs: number;
  /** A notification of a subscription. */
  readonly notified: (subscription: string, result: unknown) => void;
  /** The link does not answer, or what it says is no JSON-RPC. */
  readonly lost: (says: string) => void;
}

/** Batches on their way at once. */
const CONCURRENCY = 8;
/** Calls that wait for their turn; whoever comes beyond is not reached. With at most a few hundred bytes each. */
export const MAX_WAITING_CALLS = 4_096;
/** A light call counts 1 and a heavy one 8: 64 headers in a batch, or 8 blocks. geth takes 1,000 calls and answers 25 MB. */
const MAX_BATCH_WEIGHT = 64;
const HEAVY_WEIGHT = 8;
/** geth: the answers of a batch became too long for the rest of it. */
const TOO_LARGE = -32003;
/** Errors that the client library makes itself. */
const LIBRARY_ERROR = 0;
const UNREADABLE = 'what came is no JSON-RPC';
const UNANSWERED = 'the answer leaves it out';

interface Waiting {
  readonly call: RpcCall;
  readonly settle: (answer: RpcAnswer) => void;
  /** It is asked for by itself: in a batch its answer did not fit, or the server takes none. */
  readonly alone: boolean;
}

/** JSON-RPC over one link, from its opening to its end. Calls of one turn of the loop go together, some batches at once. */
export class UpstreamRpc {
  readonly #options: RpcOptions;
  readonly #client: JSONRPCClient<AbortSignal>;
  readonly #queue = new PQueue({ concurrency: CONCURRENCY });
  readonly #closing = new AbortController();
  #link: RpcLink | undefined;
  #waiting: Waiting[] = [];
  #waitingCalls = 0;
  #flushing = false;
  #id = 0;
  #heardAtMs = 0;
  /** Ids of the batches that are on their way, for an answer that names none. */
  readonly #batches = new Set<readonly number[]>();
  #takesBatches = true;

  constructor(options: RpcOptions) {
    this.#options = options;
    this.#client = new JSONRPCClient(async (payload: JSONRPCRequest | JSONRPCRequest[], signal) => {
      if (this.#link === undefined) throw new Error('there is no link');
      await this.#link.send(JSON.stringify(payload), signal);
      // over HTTP the answer was handed over by now: nothing more will come
      if (!this.#link.duplex)
        this.#fail(
          [payload].flat().map(({ id }) => Number(id)),
          UNANSWERED,
        );
    });
  }

  /** The link to speak over; given once, before the first call. */
  start(link: RpcLink): void {
    this.#link = link;
  }

  /** Never rejects. */
  call(
    method: string,
    params: readonly unknown[],
    options: { readonly heavy?: boolean } = {},
  ): Promise<RpcAnswer> {
    if (this.#closing.signal.aborted) return Promise.resolve(unreached('the link is closed'));
    if (this.#waitingCalls >= MAX_WAITING_CALLS)
      return Promise.resolve(unreached('too many calls wait for the upstream'));
    return new Promise((resolve) => {
      this.#wait({ call: { method, params, ...options }, settle: resolve, alone: false });
    });
  }

  /** A text that has come over the link. */
  receive(text: Uint8Array): void {
    this.#heardAtMs = this.#options.clock.now();
    const value = parsed(text);
    const items = (Array.isArray(value) ? value : [value]).filter(isRecord);
    if (items.length === 0) {
      this.#options.lost(UNREADABLE);
      return;
    }
    const answers: JSONRPCResponse[] = [];
    for (const item of items) {
      if (typeof item.method === 'string') this.#notification(item);
      else if (item.id === null && isRecord(item.error)) this.#refusedBatch(item.error);
      else answers.push(item as unknown as JSONRPCResponse);
    }
    this.#client.receive(answers);
  }

  /** Whoever waits is not reached. Idempotent. */
  close(says: string): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#link?.close();
    for (const { settle } of this.#waiting.splice(0)) settle(unreached(says));
    for (const ids of this.#batches) this.#fail(ids, says);
  }

  #wait(waiting: Waiting): void {
    this.#waitingCalls++;
    this.#waiting.push(waiting);
    if (this.#flushing) return;
    this.#flushing = true;
    this.#options.clock.soon(() => {
      this.#flushing = false;
      for (const batch of batches(this.#waiting.splice(0), this.#takesBatches))
        void this.#queue.add(() => this.#send(batch));
    });
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    this.#waitingCalls -= batch.length;
    const { clock, timeoutMs, lost } = this.#options;
    if (this.#closing.signal.aborted) {
      for (const { settle } of batch) settle(unreached('the link is closed'));
      return;
    }
    const requests = batch.map(({ call }) => createJSONRPCRequest(++this.#id, call.method, call.params));
    const ids = requests.map(({ id }) => id as number);
    const abort = new AbortController();
    const onClose = (): void => abort.abort();
    this.#closing.signal.addEventListener('abort', onClose, { once: true });
    const sentAtMs = clock.now();
    const timer = clock.timer(timeoutMs, () => {
      const says = `no answer within ${timeoutMs} ms`;
      this.#fail(ids, says);
      abort.abort();
      if (this.#heardAtMs < sentAtMs || this.#link?.duplex === false) lost(says);
    });
    this.#batches.add(ids);
    try {
      const [first] = requests;
      const asked =
        requests.length === 1 && first !== undefined
          ? [await this.#client.requestAdvanced(first, abort.signal)]
          : await this.#client.requestAdvanced(requests, abort.signal);
      for (const [at, waiting] of batch.entries())
        this.#answered(waiting, answerOf(asked[at]), batch.length > 1);
    } finally {
      timer.cancel();
      this.#batches.delete(ids);
      this.#closing.signal.removeEventListener('abort', onClose);
    }
  }

  #answered(waiting: Waiting, answer: RpcAnswer, together: boolean): void {
    const again = together && answer.kind === 'refused' && (answer.code === TOO_LARGE || !this.#takesBatches);
    // over HTTP a failed post is all that tells of a server that is gone
    if (answer.kind === 'unreached' && this.#link?.duplex === false) this.#options.lost(answer.says);
    if (again && !this.#closing.signal.aborted) this.#wait({ ...waiting, alone: true });
    else waiting.settle(answer);
  }

  #notification({ method, params }: Readonly<Record<string, unknown>>): void {
    if (method !== 'eth_subscription' || !isRecord(params)) return;
    if (typeof params.subscription === 'string') this.#options.notified(params.subscription, params.result);
  }

  /** An error that belongs to no call is about a batch: the server takes none, or not this one. */
  #refusedBatch(error: Readonly<Record<string, unknown>>): void {
    this.#takesBatches = false;
    const [code, says] = [Number(error.code) || TOO_LARGE, String(error.message)];
    for (const ids of this.#batches)
      this.#client.receive(ids.map((id) => createJSONRPCErrorResponse(id, code, says)));
  }

  #fail(ids: readonly number[], says: string): void {
    this.#client.receive(ids.map((id) => createJSONRPCErrorResponse(id, LIBRARY_ERROR, says)));
  }
}

/** In the order asked; what is asked for alone stands alone. */
function* batches(waiting: readonly Waiting[], together: boolean): Generator<readonly Waiting[]> {
  let batch: Waiting[] = [];
  let weight = 0;
  for (const one of waiting) {
    const added = one.call.heavy === true ? HEAVY_WEIGHT : 1;
    if (one.alone || !together) {
      yield [one];
      continue;
    }
    if (weight + added > MAX_BATCH_WEIGHT) {
      yield batch;
      batch = [];
      weight = 0;
    }
    batch.push(one);
    weight += added;
  }
  if (batch.length > 0) yield batch;
}

function answerOf(response: JSONRPCResponse | undefined): RpcAnswer {
  const error: unknown = response?.error;
  if (isRecord(error)) {
    const says = String(error.message).slice(0, 256);
    const { code } = error;
    if (code === LIBRARY_ERROR || typeof code !== 'number') return unreached(says);
    return { kind: 'refused', code, says };
  }
  if (response === undefined || !('result' in response)) return unreached(UNREADABLE);
  return { kind: 'result', result: response.result as unknown };
}

function unreached(says: string): RpcAnswer {
  return { kind: 'unreached', says };
}

function parsed(text: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(text));
  } catch {
    return undefined;
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
