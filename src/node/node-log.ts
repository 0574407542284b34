import { bytesToHex } from '../codec/index.js';
import { formatEnode, nodeId } from '../peers/index.js';
import type { Clock, Logger, TcpAddress, Timer } from '../runtime/index.js';
import type { CloseCause, Session, SessionHandle, SessionRecord } from '../session/index.js';
import { roundedMs } from './milliseconds.js';
import type { RlpxdNode } from './node.js';
import { stageOf, whatEnded } from './stages.js';
import { clientName } from './version.js';

/** Pulls speak up no more often than this, whatever their speed. */
const PROGRESS_EVERY_MS = 500;

/**
 * Writes what a node does to a log: one line per event, `event` naming it, data for machines beside it.
 * @param statusEveryMs how often one line sums it all up; 0 for never
 * @returns a function that ends it
 */
export function logNode(
  node: RlpxdNode,
  logger: Logger,
  options: { readonly statusEveryMs: number },
): () => void {
  const { clock } = node.world;
  logStart(node, logger);
  const progress = paced(clock, PROGRESS_EVERY_MS);
  const ends = [
    node.on('session.active', ({ session }) => {
      const { remote, direction } = session;
      const how = direction === 'outbound' ? 'dialed' : 'accepted from';
      const eth = session.capability('eth');
      const spoken = eth === undefined ? 'without eth' : `eth/${eth.version}`;
      const says = `session with ${peerName(session)}, ${how} ${place(remote.address)}, ${spoken}`;
      logger.info({ event: 'session.active', ...sessionFields(session) }, says);
    }),
    node.on('session.ended', ({ session, cause, wasActive }) => {
      const line = { event: 'session.ended', ...endFields(session, cause) };
      logger[wasActive ? 'info' : 'debug'](
        line,
        `session with ${recordName(session.describe())} ${cause.outcome} (${stageOf(cause)}): ${whatEnded(cause)}`,
      );
    }),
    node.on('peer.waiting', ({ publicKey, wait }) => {
      const seconds = (wait.waitMs / 1_000).toFixed(1);
      const peer = bytesToHex(nodeId(publicKey, node.crypto));
      const line = { event: 'peer.waiting', peer, ...wait };
      const why = wait.says === undefined ? '' : `: ${wait.says}`;
      // a peer that stays away is worth a line after 1, 2, 4, 8… dials, not after each
      const level = Number.isInteger(Math.log2(wait.failures)) ? 'info' : 'debug';
      logger[level](line, `peer ${short(peer)} is ${wait.failure}, dialed again in ${seconds} s${why}`);
    }),
    node.on('peer.misbehaved', ({ session, says }) => {
      logger.warn(
        { event: 'peer.misbehaved', ...sessionFields(session), says },
        `${peerName(session)} gave false data: ${says}`,
      );
    }),
    node.on('transaction', ({ transaction: { hash, type, bytes } }) => {
      logger.debug({ event: 'transaction', hash, type, bytes }, 'a new transaction');
    }),
    node.on('chain.head', ({ range }) => {
      const line = {
        event: 'chain.head',
        head: range.latest,
        hash: range.latestHash,
        earliest: range.earliest,
      };
      logger.debug(line, `head is block ${range.latest}`);
    }),
    node.on('pull.progress', (at) => {
      if (progress())
        logger.info(
          { event: 'pull.progress', ...at },
          `pulled up to block ${at.head} of ${at.target ?? '?'}`,
        );
    }),
    node.on('pull.done', (outcome) => {
      logger.info({ event: 'pull.done', ...outcome }, `the chain is pulled up to block ${outcome.head}`);
    }),
    every(clock, options.statusEveryMs, () => {
      const { peers, head, ...rest } = node.status();
      const { served, upstream, transactions } = rest;
      const says = `${peers.inbound} in, ${peers.outbound} out, head ${head}, ${served} requests served`;
      const behind = upstream === undefined ? '' : `, upstream ${upstream.client ?? ''} ${upstream.state}`;
      const seen = transactions === undefined ? '' : `, ${transactions.seen} transactions seen`;
      logger.info({ event: 'status', peers, head, ...rest }, says + seen + behind);
    }),
  ];
  return () => {
    for (const end of ends) end();
  };
}

function logStart(node: RlpxdNode, logger: Logger): void {
  const { limits, ethVersions, netRestrict } = node.config;
  const range = node.backend.range();
  const where = node.address === undefined ? 'dialing only' : `listening on ${place(node.address)}`;
  const slots = { dialed: limits.maxActiveOutbound, accepted: limits.maxActiveInbound };
  logger.info(
    {
      event: 'listening',
      enode: node.enode,
      id: node.identity.id,
      address: node.address,
      client: clientName(),
      slots,
      eth: ethVersions,
      ...(netRestrict === undefined ? {} : { netRestrict: String(netRestrict) }),
      chain: node.chain.name,
      networkId: node.chain.networkId,
      genesis: node.chain.genesisHash,
      head: range.latest,
      hash: range.latestHash,
      earliest: range.earliest,
      crypto: { name: node.crypto.name, parts: node.crypto.parts },
    },
    `${where}, ${node.chain.name} at block ${range.latest}, ${slots.dialed} slots for sessions that we dial and ${slots.accepted} for those that we accept; ${node.crypto.name} cryptography`,
  );
}

function sessionFields(session: Session): object {
  const { publicKey, nodeId, remote, eth, direction, kind, id, sharedId, stagesMs } = session;
  const range = eth.range;
  return {
    session: id,
    sharedId: bytesToHex(sharedId),
    peer: bytesToHex(nodeId),
    enode: formatEnode({ publicKey, host: remote.address.host, port: remote.address.port }),
    client: remote.client,
    ...(session.capability('eth') === undefined ? {} : { eth: eth.version }),
    direction,
    kind,
    stagesMs: roundedTimes(stagesMs),
    ...(range === undefined ? {} : { head: range.latest, hash: range.latestHash }),
  };
}

/** A client's name may hold anything; a line of a log is one line, and no longer than a screen is wide. */
function printable(text: string): string {
  return [...text.slice(0, 64)].map((character) => (PRINTABLE.test(character) ? character : '?')).join('');
}

const PRINTABLE = /^[\x20-\x7e]$/;

function peerName({ remote, nodeId: id }: Session): string {
  return `${printable(remote.client)} (${short(bytesToHex(id))})`;
}

function recordName({ client, nodeId: id, address }: SessionRecord): string {
  if (client !== undefined && id !== undefined) return `${printable(client)} (${short(id)})`;
  if (id !== undefined) return short(id);
  return address === undefined ? 'someone' : place(address);
}

/** Enough of a node id to find it again. */
function short(id: string): string {
  return id.slice(0, 8);
}

function place({ host, port }: TcpAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function endFields(session: SessionHandle, cause: CloseCause): object {
  const { nodeId, direction, address, client } = session.describe();
  const { bytesIn, bytesOut } = cause.counters;
  return { session: session.id, peer: nodeId, direction, address, client, cause, bytesIn, bytesOut };
}

function roundedTimes(times: object): object {
  return Object.fromEntries(Object.entries(times).map(([stage, ms]) => [stage, roundedMs(Number(ms))]));
}

/** @returns a gate that opens at most once per `everyMs`. */
function paced(clock: Clock, everyMs: number): () => boolean {
  let openAtMs = Number.NEGATIVE_INFINITY;
  return () => {
    const nowMs = clock.now();
    if (nowMs < openAtMs) return false;
    openAtMs = nowMs + everyMs;
    return true;
  };
}

/** Calls `run` again and again until the returned function is called. */
function every(clock: Clock, periodMs: number, run: () => void): () => void {
  if (periodMs <= 0) return () => undefined;
  let timer: Timer;
  const plan = (): void => {
    timer = clock.timer(periodMs, () => {
      run();
      plan();
    });
  };
  plan();
  return () => timer.cancel();
}
