import { JsonSplitter } from '../../codec/index.js';
import { type Clock, type Ipc, RuntimeError } from '../../runtime/index.js';
import type { Json } from '../json.js';
import { MAX_ANSWER_BYTES, RpcError, type RpcErrorCode } from './json-rpc.js';

const DEFAULT_TIMEOUT_MS = 15_000;

export interface RpcCall {
  readonly path: string;
  readonly method: string;
  readonly params?: readonly Json[];
  readonly ipc: Ipc;
  readonly clock: Clock;
  /** 15,000. */
  readonly timeoutMs?: number;
}

/**
 * Asks a daemon one thing through its local socket.
 * @throws RpcError as the daemon answers; RuntimeError ERR_RUNTIME_CONNECT where nobody listens or no answer comes
 */
export async function callRpc(call: RpcCall): Promise<Json> {
  const { path, method, params = [], ipc, clock, timeoutMs = DEFAULT_TIMEOUT_MS } = call;
  const socket = await ipc.connect(path);
  const splitter = new JsonSplitter(2 * MAX_ANSWER_BYTES);
  const answer = await new Promise<Uint8Array>((resolve, reject) => {
    const fail = (says: string): void =>
      reject(new RuntimeError('ERR_RUNTIME_CONNECT', `the daemon at ${path} ${says}`));
    const timer = clock.timer(timeoutMs, () => {
      fail(`gave no answer within ${timeoutMs} ms`);
      socket.destroy();
    });
    socket.attach({
      data: (chunk) => {
        const { values, breach } = splitter.push(chunk);
        const [value] = values;
        if (value !== undefined) resolve(value);
        else if (breach !== undefined) fail(`does not speak JSON-RPC: ${breach}`);
        if (value !== undefined || breach !== undefined) socket.destroy();
      },
      drain: () => undefined,
      end: () => socket.destroy(),
      closed: () => {
        timer.cancel();
        fail('broke the connection off'); // nothing happens where the answer is there
      },
    });
    const request = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    socket.write([new TextEncoder().encode(request)]);
  });
  return resultOf(answer, path);
}

function resultOf(answer: Uint8Array, path: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(answer));
  } catch (cause) {
    throw new RuntimeError('ERR_RUNTIME_CONNECT', `the daemon at ${path} does not speak JSON-RPC`, { cause });
  }
  const { error, result } = value as {
    readonly error?: { readonly code: RpcErrorCode; readonly message: string };
    readonly result?: Json;
  };
  if (error !== undefined) throw new RpcError(error.code, String(error.message));
  return result ?? null;
}
