import type { RlpxCrypto } from '../crypto/index.js';
import { type EthVersion, ethProtocol } from '../eth/index.js';
import { encodeHello, type LocalCapability, P2P_VERSION } from '../rlpx/index.js';
import type { Logger, World } from '../runtime/index.js';
import type { SessionLimits } from './counter.js';
import type { Deadlines } from './deadlines.js';
import { SessionError } from './errors.js';
import type { SessionHandle } from './handle.js';
import type { GossipHandler, RequestHandler, SessionHost, StatusProvider } from './host.js';
import type { JournalSink } from './journal-keeper.js';
import type { PeerKind, PeerPolicy } from './policy.js';
import type { SatelliteProtocol } from './satellite.js';
import type { TemplateOptions } from './templates.js';

export const MAX_PORT = 65_535;

export interface SessionManagerOptions {
  readonly world: Pick<World, 'clock' | 'random' | 'tcp' | 'dns'>;
  readonly crypto: RlpxCrypto;
  /** 32 bytes. */
  readonly secretKey: Uint8Array;
  /** As Hello says it: `rlpxd/v0.1.0/linux-x64/node20.20.2`. */
  readonly clientId: string;
  /** Those we offer; all where left out. */
  readonly ethVersions?: readonly EthVersion[];
  readonly status: StatusProvider;
  readonly limits?: Partial<SessionLimits>;
  readonly policy?: PeerPolicy;
  /** Answers requests; without it all are answered empty. */
  readonly serve?: RequestHandler;
  readonly gossip?: GossipHandler;
  readonly deadlines?: Partial<Deadlines>;
  /** The user's own templates by name, beside `basic`, `static` and `trusted`; one of those names replaces it. */
  readonly templates?: Readonly<Record<string, TemplateOptions>>;
  /** Protocols beside eth. More can be added later: `registerProtocol`. */
  readonly capabilities?: readonly SatelliteProtocol[];
  /** Turn away peers that share no version of eth, whatever else they share; true. */
  readonly requireEth?: boolean;
  /** Where the journals go of sessions whose template has `messageLogging`. */
  readonly journal?: JournalSink;
  readonly logger?: Logger;
  /** Names each session, instead of `s1`, `s2`…; an id that a living session has is not taken. */
  readonly newId?: () => string;
  readonly cleaner?: SessionCleaner;
}

/** Called once for every session, after its end and when its socket is gone too. */
export type SessionCleaner = (session: SessionHandle) => void;

export interface DialTo {
  /** An address, or a name to look up. */
  readonly host: string;
  readonly port: number;
  /** 64 bytes: whom we expect there, and no one else. */
  readonly publicKey: Uint8Array;
}

export interface DialOptions {
  readonly kind?: PeerKind;
  /** What the session may do: the name of a template, or one for this session alone. By default that of its kind. */
  readonly template?: string | TemplateOptions;
  /** Withdraws the dial; an active session is not touched any more. */
  readonly signal?: AbortSignal;
}

export function ethCapability(version: EthVersion): LocalCapability {
  return { name: 'eth', version, length: ethProtocol(version).length };
}

export function checkedLimits(limits: SessionLimits): SessionLimits {
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isInteger(value) || value < 0) throw argument(`limits.${name} is ${value}, not a count`);
  }
  return limits;
}

export function checkedDeadlines(deadlines: Deadlines): Deadlines {
  for (const [name, value] of Object.entries(deadlines)) {
    if (!(value > 0)) throw argument(`deadlines.${name} is ${value}, not a time`);
  }
  return deadlines;
}

/** What would fail with every connection fails here, once. */
export function checkHello({ clientId, capabilities }: SessionHost, publicKey: Uint8Array): void {
  try {
    encodeHello({ p2pVersion: P2P_VERSION, clientId, capabilities, listenPort: MAX_PORT, publicKey });
  } catch (error) {
    throw argument(
      `clientId, ethVersions and capabilities make no Hello: ${error instanceof Error ? error.message : error}`,
    );
  }
}

export function argument(says: string): SessionError {
  return new SessionError('ERR_SESSION_ARGUMENT', says);
}
