import type { EthVersion, Status } from '../eth/index.js';
import { type DisconnectReason, disconnectName, type Hello, type LocalCapability } from '../rlpx/index.js';

/** The steps of a beginning that a script can hold back: its handshake message, its Hello, its Status. */
export type ScriptedStep = 'auth' | 'hello' | 'status';

/** What a scripted peer is like. */
export interface ScriptedBehaviour {
  /** What it offers; all versions of eth where left out. */
  readonly capabilities: readonly LocalCapability[];
  /** What its Hello says instead of the truth: another key, an old version, a long name. */
  readonly hello: Partial<Hello>;
  /** Its Status: given, made for the agreed version, or the node's own said back (which waits for it). */
  readonly status: Status | ((version: EthVersion) => Status) | 'mirror';
  /** Steps that wait until `release`. */
  readonly holdBack: readonly ScriptedStep[];
  /** Whether a Ping is answered. */
  readonly pongs: boolean;
}

/** How a connection of a scripted peer ended, as the peer saw it. */
export interface ScriptedEnd {
  /** remote: the node sent a Disconnect; script: the test ended it; transport: the socket is gone. */
  readonly by: 'remote' | 'script' | 'transport';
  readonly reason?: DisconnectReason;
  /** `EOF`, the system's word (`ECONNRESET`), or an RlpxErrorCode where what came was no RLPx. */
  readonly code?: string;
}

/** @returns a few words: `by the node, useless peer` */
export function endText({ by, reason, code }: ScriptedEnd): string {
  const who = { remote: 'by the node', script: 'by the script', transport: 'by the network' }[by];
  const why = reason === undefined ? code : disconnectName(reason);
  return why === undefined ? who : `${who}, ${why}`;
}
