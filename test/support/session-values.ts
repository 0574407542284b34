import type { BlockRange, EthVersion, Status } from '../../src/eth/index.js';
import type { Logger } from '../../src/runtime/logger.js';
import type { MessageSink } from '../../src/session/outgoing.js';

export const hash = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

export const range = (earliest: bigint, latest: bigint, byte = 1): BlockRange => ({
  earliest,
  latest,
  latestHash: hash(byte),
});

export interface StatusChoices {
  readonly networkId?: bigint;
  readonly genesis?: number;
  readonly forkHash?: number;
  readonly range?: BlockRange;
}

/** A Status of any version, of a chain that is only told by its numbers. */
export function statusOf(version: EthVersion, choices: StatusChoices = {}): Status {
  const common = {
    networkId: choices.networkId ?? 1_337n,
    genesisHash: hash(choices.genesis ?? 0x91),
    forkId: { hash: new Uint8Array(4).fill(choices.forkHash ?? 0x0f), next: 0n },
  };
  const blocks = choices.range ?? range(0n, 600n, 0x60);
  if (version === 68) return { version, ...common, totalDifficulty: 131_072n, bestHash: blocks.latestHash };
  return { version, ...common, ...blocks };
}

/** Collects what is logged. */
export function recordingLogger(): Logger & {
  readonly lines: { level: string; fields: object; message: string }[];
} {
  const lines: { level: string; fields: object; message: string }[] = [];
  const at = (level: string) => (fields: object, message: string) => {
    lines.push({ level, fields, message });
  };
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** Takes messages as a connection does, and can be told to say "wait". */
export function recordingSink(): MessageSink & {
  readonly sent: { id: number; bytes: number }[];
  open: boolean;
} {
  const sink = {
    sent: [] as { id: number; bytes: number }[],
    open: true,
    send(_eth: unknown, id: number, payload: Uint8Array): boolean {
      sink.sent.push({ id, bytes: payload.length });
      return sink.open;
    },
    sendPacked(_eth: unknown, message: { id: number; plainBytes: number }): boolean {
      sink.sent.push({ id: message.id, bytes: message.plainBytes });
      return sink.open;
    },
  };
  return sink;
}

export const ETH_CAPABILITY = { name: 'eth', version: 69, length: 18, offset: 16 } as const;
