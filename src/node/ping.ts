import { bytesToHex, prefixedHex } from '../codec/index.js';
import type { Status } from '../eth/index.js';
import { parseEnode } from '../peers/index.js';
import { DISCONNECT } from '../rlpx/index.js';
import { type Logger, realWorld, silentLogger, type World } from '../runtime/index.js';
import {
  type CloseCause,
  PendingSessionHandshakeError,
  type Session,
  SessionError,
  SessionExpired,
  SessionManager,
  SessionNotActive,
  type StageTimes,
} from '../session/index.js';
import { chooseChain, type GivenChain } from './chain-choice.js';
import { checkEthVersions } from './config.js';
import { type GivenCrypto, givenCrypto } from './crypto-choice.js';
import { type Json, toJson } from './json.js';
import { roundedMs } from './milliseconds.js';
import { randomNodeKey } from './node-key.js';
import { type Stage, stageOf, whatEnded } from './stages.js';
import { genesisStatus, mirrorStatus } from './status-provider.js';
import { clientName, warnOfOldNode } from './version.js';

export interface PingOptions {
  /** Whose genesis to show; without it, what the peer says of its chain is said back to it. */
  readonly chain?: GivenChain | undefined;
  /** Versions of eth to offer; all. */
  readonly ethVersions?: readonly number[] | undefined;
  /** For everything together, in milliseconds; 10,000. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly world?: World | undefined;
  /** The cryptographic back end, or its name; the fastest that works. */
  readonly crypto?: GivenCrypto | undefined;
  readonly logger?: Logger | undefined;
}

/** Who answered, what it speaks, which chain it is on, and how long each step took. Plain data, ready for JSON. */
export interface PingReport {
  /** 64 hex digits: the Keccak-256 of its public key. */
  readonly id: string;
  readonly client: string;
  /** `eth/69`… as it offers them. */
  readonly capabilities: readonly string[];
  readonly p2pVersion: number;
  readonly eth: {
    /** The version that was agreed. */
    readonly version: number;
    readonly networkId: Json;
    readonly genesis: string;
    readonly forkId: { readonly hash: string; readonly next: Json };
    readonly earliest?: Json;
    readonly latest?: Json;
    readonly latestHash: string;
  };
  readonly stagesMs: StageTimes;
  /** One p2p Ping and its Pong, in milliseconds. */
  readonly rttMs: number;
}

/** The peer could not be pinged; `stage` says how far it went. */
export class PingError extends Error {
  override readonly name = 'PingError';
  readonly code = 'ERR_NODE_PING';
  readonly stage: PingStage;

  constructor(stage: PingStage, says: string, options?: { readonly cause?: unknown }) {
    super(`${stage}: ${says}`, options);
    this.stage = stage;
  }
}

export type PingStage = Exclude<Stage, 'active'> | 'ping';

const DEFAULT_TIMEOUT_MS = 10_000;
/** What the goodbye may take; the peer has it by then, or does not want it. */
const CLOSE_MS = 500;

/**
 * Holds one session with a peer, just long enough for one Ping: ECIES, Hello, Status, Ping.
 * @throws PeerError ERR_PEER_ENODE, ConfigError, CryptoError ERR_CRYPTO_BACKEND, PingError ERR_NODE_PING
 */
export async function pingPeer(enode: string, options: PingOptions = {}): Promise<PingReport> {
  const world = options.world ?? realWorld();
  const logger = options.logger ?? silentLogger;
  warnOfOldNode(logger);
  const crypto = givenCrypto(options.crypto, logger);
  const peer = parseEnode(enode, crypto);
  const ethVersions = checkEthVersions(options.ethVersions);
  const chain = options.chain === undefined ? undefined : chooseChain(options.chain, crypto);
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const manager = new SessionManager({
    world,
    crypto,
    secretKey: randomNodeKey(world.random, crypto),
    clientId: clientName(),
    ethVersions,
    status: chain === undefined ? mirrorStatus() : genesisStatus(chain),
    limits: { maxPendingInbound: 0, maxPendingOutbound: 1, maxActiveInbound: 0, maxActiveOutbound: 1 },
    logger,
  });
  const outOfTime = new AbortController();
  const timer = world.clock.timer(timeoutMs, () => outOfTime.abort());
  const signals = options.signal === undefined ? [outOfTime.signal] : [outOfTime.signal, options.signal];
  const signal = AbortSignal.any(signals);
  try {
    const handle = manager.dial(peer, { signal });
    const session = await handle.active;
    const rttMs = await session.ping({ signal });
    return report(session, rttMs);
  } catch (error) {
    throw pingError(error, outOfTime.signal.aborted ? timeoutMs : undefined);
  } finally {
    timer.cancel();
    await manager.close({ reason: DISCONNECT.clientQuitting, timeoutMs: CLOSE_MS });
  }
}

function report(session: Session, rttMs: number): PingReport {
  const { client, capabilities, p2pVersion } = session.remote;
  const { connect, auth, hello, status } = session.stagesMs;
  return {
    id: bytesToHex(session.nodeId),
    client,
    capabilities: capabilities.map(({ name, version }) => `${name}/${version}`),
    p2pVersion,
    eth: ethReport(session.eth.remoteStatus),
    stagesMs: {
      ...(connect === undefined ? {} : { connect: roundedMs(connect) }),
      auth: roundedMs(auth),
      hello: roundedMs(hello),
      status: roundedMs(status),
    },
    rttMs: roundedMs(rttMs),
  };
}

function ethReport(status: Status): PingReport['eth'] {
  const { version, networkId, genesisHash, forkId } = status;
  const common = {
    version,
    networkId: toJson(networkId),
    genesis: prefixedHex(genesisHash),
    forkId: { hash: prefixedHex(forkId.hash), next: toJson(forkId.next) },
  };
  if (status.version === 68) return { ...common, latestHash: prefixedHex(status.bestHash) };
  const { earliest, latest, latestHash } = status;
  return {
    ...common,
    earliest: toJson(earliest),
    latest: toJson(latest),
    latestHash: prefixedHex(latestHash),
  };
}

/** @param timeoutMs where time ran out */
function pingError(error: unknown, timeoutMs: number | undefined): unknown {
  const ended = causeOf(error);
  const at = ended === undefined ? 'ping' : stageOf(ended);
  const stage = at === 'active' ? 'ping' : at;
  if (timeoutMs !== undefined)
    return new PingError(stage, `no answer within ${timeoutMs} ms`, { cause: error });
  if (ended !== undefined) return new PingError(stage, whatEnded(ended), { cause: error });
  return error instanceof SessionError ? new PingError(stage, error.message, { cause: error }) : error;
}

function causeOf(error: unknown): CloseCause | undefined {
  if (error instanceof PendingSessionHandshakeError || error instanceof SessionExpired)
    return error.closeCause;
  return error instanceof SessionNotActive ? error.closeCause : undefined;
}
