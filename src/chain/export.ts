import { concatBytes, sameBytes } from '../codec/index.js';
import { decodeHeader, encodeBlock } from '../eth/index.js';
import type { Clock, Files, FileWriter } from '../runtime/index.js';
import type { ChainBackend } from './backend.js';
import { Breather } from './breathe.js';
import { ChainError } from './errors.js';

export interface ExportOptions {
  /** First block; 1 by default, as `geth import` wants it. */
  readonly from?: bigint;
  /** Last block; the latest by default. */
  readonly to?: bigint;
  /** Told after every piece that was written. */
  readonly onProgress?: (progress: {
    readonly number: bigint;
    readonly blocks: number;
    readonly bytes: number;
  }) => void;
  readonly signal?: AbortSignal;
  /** Lets others have their turn. */
  readonly clock?: Pick<Clock, 'soon'>;
}

export interface ExportResult {
  readonly blocks: number;
  /** Of the file. */
  readonly bytes: number;
}

/** Written at once. */
const PIECE_BYTES = 1024 * 1024;

/**
 * Writes blocks into a file, one after the other, as `geth export` does and `geth import` reads: with the access lists that
 * are here. What fails leaves no file, and an older one as it was.
 * @throws ChainError ERR_CHAIN_RANGE (blocks that are not here), ERR_CHAIN_LINK (the chain was reorganised meanwhile),
 * ERR_CHAIN_ABORTED
 * @throws RuntimeError ERR_RUNTIME_FILE, ERR_RUNTIME_STORE
 */
export async function exportChain(
  backend: ChainBackend,
  files: Files,
  path: string,
  options: ExportOptions = {},
): Promise<ExportResult> {
  const { latest } = backend.range();
  const { from = 1n, to = latest } = options;
  if (to > latest || (from <= to && !(await hasBodyOf(backend, from, options)))) {
    const says = `blocks ${from} to ${to} are wanted, and ${to > latest ? `here is up to ${latest}` : `the body of block ${from} is not here`}`;
    throw new ChainError('ERR_CHAIN_RANGE', says);
  }
  const writer = await files.openWriter(path);
  try {
    const result = await writeBlocks(backend, writer, from, to, options);
    await writer.close();
    return result;
  } catch (error) {
    await writer.discard().catch(() => undefined); // the first error is the one that matters
    throw error;
  }
}

/** Asked before a file is begun. An older part of the range that is announced may lack receipts, which no export needs. */
async function hasBodyOf(backend: ChainBackend, number: bigint, options: ExportOptions): Promise<boolean> {
  const hash = await backend.hashOf(number, options);
  return hash !== undefined && (await backend.body(hash, options)) !== undefined;
}

async function writeBlocks(
  backend: ChainBackend,
  writer: FileWriter,
  from: bigint,
  to: bigint,
  options: ExportOptions,
): Promise<ExportResult> {
  const breather = new Breather(options.clock, options.signal, 64);
  let parent: Uint8Array | undefined;
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let blocks = 0;
  let bytes = 0;
  for (let number = from; number <= to; number++) {
    const hash = await backend.hashOf(number, options);
    const header = hash === undefined ? undefined : await backend.headerByHash(hash, options);
    const body = hash === undefined ? undefined : await backend.body(hash, options);
    if (hash === undefined || header === undefined || body === undefined) {
      throw new ChainError('ERR_CHAIN_RANGE', `block ${number} is not here any more`);
    }
    if (parent !== undefined && !sameBytes(decodeHeader(header).parentHash, parent)) {
      throw new ChainError(
        'ERR_CHAIN_LINK',
        `the chain was reorganised at block ${number} during the export`,
      );
    }
    parent = hash;
    const block = encodeBlock(header, body, await backend.accessList(hash, options));
    waiting.push(block);
    waitingBytes += block.length;
    blocks++;
    if (waitingBytes >= PIECE_BYTES || number === to) {
      await writer.write(concatBytes(waiting));
      bytes += waitingBytes;
      waiting = [];
      waitingBytes = 0;
      options.onProgress?.({ number, blocks, bytes });
    }
    await breather.worked(1, 'export');
  }
  return { blocks, bytes };
}
