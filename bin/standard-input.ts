import { UsageError } from './explain.js';

/** All that comes on standard input, as text. @throws UsageError beyond so many bytes */
export async function standardInput(maxBytes: number): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of process.stdin) {
    parts.push(part as Buffer);
    bytes += (part as Buffer).length;
    if (bytes > maxBytes) throw new UsageError(`standard input has more than ${maxBytes} bytes`);
  }
  return Buffer.concat(parts).toString('latin1');
}
