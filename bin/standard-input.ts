import { addAbortSignal } from 'node:stream';
import { UsageError } from './explain.js';

/** All that comes on standard input, as text. @throws UsageError beyond so many bytes, an Error when `signal` aborts before its end */
export async function standardInput(maxBytes: number, signal: AbortSignal): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of addAbortSignal(signal, process.stdin)) {
      parts.push(part as Buffer);
      bytes += (part as Buffer).length;
      if (bytes > maxBytes) throw new UsageError(`standard input has more than ${maxBytes} bytes`);
    }
  } catch (error) {
    throw signal.aborted ? new Error('called off before the end of standard input') : error;
  }
  return Buffer.concat(parts).toString('latin1');
}
