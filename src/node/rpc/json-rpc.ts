import type { Json } from '../json.js';

/** Codes of JSON-RPC 2.0, and geth's for what a method refuses and for an answer that is too large. */
export const RPC_ERROR = {
  parse: -32700,
  request: -32600,
  method: -32601,
  params: -32602,
  internal: -32603,
  refused: -32000,
  tooLarge: -32003,
} as const;
export type RpcErrorCode = (typeof RPC_ERROR)[keyof typeof RPC_ERROR];

/** What a method answers instead of a result. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly code: RpcErrorCode;

  constructor(code: RpcErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** @throws RpcError */
export type RpcMethod = (params: readonly Json[]) => Json | Promise<Json>;
export type RpcMethods = ReadonlyMap<string, RpcMethod>;

/** As geth. */
export const MAX_BATCH = 1_000;
/** One answer, a batch included. */
export const MAX_ANSWER_BYTES = 8_388_608;

/**
 * Answers one JSON value: a request, a notification, or a batch of both.
 * @param internal is told what a method threw that was no `RpcError`: a mistake of ours
 * @returns the text of the answer; undefined where none is due
 */
export async function answerRpc(
  value: Uint8Array,
  methods: RpcMethods,
  internal: (method: string, error: unknown) => void,
): Promise<string | undefined> {
  const asked = parse(value);
  if (asked === undefined) return failure(null, RPC_ERROR.parse, 'the bytes are no JSON');
  const one = (request: Json): Promise<string | undefined> => answerOne(request, methods, internal);
  if (!isList(asked)) return one(asked);
  if (asked.length === 0) return failure(null, RPC_ERROR.request, 'the batch is empty');
  if (asked.length > MAX_BATCH)
    return failure(null, RPC_ERROR.request, `a batch may have ${MAX_BATCH} requests`);
  const answers: string[] = [];
  let bytes = 0;
  for (const request of asked) {
    const answer = await one(request);
    if (answer === undefined) continue;
    bytes += answer.length;
    if (bytes > MAX_ANSWER_BYTES)
      return failure(null, RPC_ERROR.tooLarge, `the answers are longer than ${MAX_ANSWER_BYTES}`);
    answers.push(answer);
  }
  return answers.length === 0 ? undefined : `[${answers.join(',')}]`;
}

/** An error as it is answered. */
export function failure(id: Json, code: RpcErrorCode, message: string): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } });
}

async function answerOne(
  request: Json,
  methods: RpcMethods,
  internal: (method: string, error: unknown) => void,
): Promise<string | undefined> {
  if (!isRecord(request)) return failure(null, RPC_ERROR.request, 'a request is an object');
  const { jsonrpc, method, params = [] } = request;
  const id = 'id' in request ? request.id : undefined;
  if (id !== undefined && id !== null && typeof id !== 'string' && typeof id !== 'number') {
    return failure(null, RPC_ERROR.request, 'id is a string or a number');
  }
  if (jsonrpc !== '2.0' || typeof method !== 'string') {
    return failure(id ?? null, RPC_ERROR.request, 'jsonrpc is "2.0" and method a name');
  }
  const answer = await call(method, params, methods, internal);
  if (id === undefined) return undefined; // a notification, whatever came of it
  if (answer instanceof RpcError) return failure(id, answer.code, answer.message);
  const text = JSON.stringify({ jsonrpc: '2.0', id, result: answer });
  if (text.length <= MAX_ANSWER_BYTES) return text;
  return failure(id, RPC_ERROR.tooLarge, `the answer is longer than ${MAX_ANSWER_BYTES}`);
}

async function call(
  name: string,
  params: Json,
  methods: RpcMethods,
  internal: (method: string, error: unknown) => void,
): Promise<Json | RpcError> {
  const method = methods.get(name);
  if (method === undefined)
    return new RpcError(RPC_ERROR.method, `there is no method ${JSON.stringify(name.slice(0, 64))}`);
  if (!isList(params)) return new RpcError(RPC_ERROR.params, 'params are a list');
  try {
    return await method(params);
  } catch (error) {
    if (error instanceof RpcError) return error;
    internal(name, error);
    return new RpcError(RPC_ERROR.internal, 'a mistake of our own; the log has it');
  }
}

function parse(value: Uint8Array): Json | undefined {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(value)) as Json;
  } catch {
    return undefined;
  }
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function isRecord(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !isList(value);
}
