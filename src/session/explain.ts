import { type DisconnectReason, disconnectName } from '../rlpx/index.js';
import { type CloseCause, explainCause } from './close-cause.js';
import type { LiveState } from './state.js';

/** How far a session had come, in words. */
const STAGES: Readonly<Record<LiveState, string>> = {
  requested: 'before we tried to reach the peer',
  connecting: 'while we looked up and connected',
  accepted: 'when its socket had just come in',
  authenticating: 'during ECIES, before either end had proven its key',
  greeting: 'when the keys were proven and Hello was awaited',
  verifying: 'after both Hellos, when Status was awaited',
  active: 'while it was active',
  paused: 'while it was active, and paused by us',
  draining: 'while it was being closed and what had begun was finished',
};

/** What a code usually comes from, and what can be done about it. */
const BY_CODE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nobody listens at that address and port.',
  ECONNRESET:
    'The peer or something between us cut the connection; nodes do so under load, or after they have restarted.',
  EHOSTUNREACH: 'There is no way to that host from here.',
  ENETUNREACH: 'There is no way to that network from here.',
  ETIMEDOUT: 'The host does not answer; a firewall may drop what we send.',
  EOF: 'The peer closed its socket without a Disconnect. Before ECIES is through that is how some nodes say: not now.',
  WRITE_STALL: 'The peer took nothing of what we sent for 20 s.',
  ERR_SESSION_AGE: 'Its template has a maximum age (quotas.maxAgeMs).',
  ERR_SESSION_CONNECT: 'Check host, port, and whether a firewall stands between.',
  ERR_SESSION_CONNECT_DEADLINE: 'Check host and port; a firewall that drops packets looks like this.',
  ERR_SESSION_AUTH_DEADLINE:
    'Something listens there that does not speak RLPx, or the node has another key than the one that was dialed and stays silent.',
  ERR_SESSION_DUPLICATE: 'There was a session with this peer already, which goes on.',
  ERR_SESSION_EVICTED:
    'All places for sessions that begin were taken, and nothing came of this one for too long.',
  ERR_SESSION_IDENTITY: 'The node at that address has another key than its enode URL says.',
  ERR_SESSION_IDLE: 'The peer is gone, or the network is.',
  ERR_SESSION_INTERNAL: 'That is a fault of rlpxd. The log has its stack; please report it.',
  ERR_SESSION_LIMIT: 'Raise the limit, or make the peer trusted: then no limit holds for it.',
  ERR_SESSION_NO_ETH: 'It offers no version of eth that we speak.',
  ERR_SESSION_QUOTA: 'It took more than its template allows, again and again; a trusted peer has no quotas.',
  ERR_SESSION_REFUSED:
    'The peer policy did not want it: a network that is not allowed, or a peer that misbehaved lately.',
  ERR_SESSION_SELF: 'The address is our own.',
  ERR_RLPX_AUTH: 'One of the ends has another key than the other expects, or it does not speak RLPx.',
  ERR_RLPX_MAC:
    'Bytes were changed on the way, or one end has lost count; nothing that came after can be trusted.',
  ERR_ETH_STATUS_NETWORK: 'It is on another network.',
  ERR_ETH_STATUS_GENESIS: 'It has another genesis block.',
  ERR_ETH_STATUS_FORK_ID: 'It follows other forks, or one of us is out of date.',
};

/** What a Disconnect usually means that the peer has sent. */
const BY_REASON: Readonly<Record<DisconnectReason, string>> = {
  0: 'Nodes give this reason for nearly everything that they do not want to explain.',
  2: 'The peer thinks that we broke the protocol. If that is so, it is a fault of rlpxd.',
  3: 'The peer has no use for us: no capability in common, or nothing that it could want from us.',
  4: 'The peer is full. Trying again later may do, being trusted by it surely will.',
  5: 'The peer has a session with us already.',
  8: 'The peer shuts down.',
  9: 'The peer expected another key.',
  11: 'The peer waited too long for something from us.',
  16: 'A protocol above ended it; at Status that is most often another network, genesis or fork.',
};

/**
 * Why a session ended, in plain words, one line each: the record in short, how far it had come, what was said to whom, what
 * it usually means, and what had been carried. Nothing but `explainCause` says as much in one line.
 */
export function explainInFull(cause: CloseCause): readonly string[] {
  const { counters } = cause;
  const meaning = meaningOf(cause);
  return [
    explainCause(cause),
    `It ended ${STAGES[cause.stage]}.`,
    wordsSaid(cause),
    ...(meaning === undefined ? [] : [meaning]),
    `It had carried ${counters.messagesIn} messages (${counters.bytesIn} bytes) in and ${counters.messagesOut} (${counters.bytesOut} bytes) out.`,
  ];
}

function meaningOf({ by, code, reasonReceived }: CloseCause): string | undefined {
  if (by === 'remote' && reasonReceived !== undefined) return own(BY_REASON, reasonReceived);
  return code === undefined ? undefined : own(BY_CODE, code);
}

/** No code that a record from elsewhere may hold finds more than what stands in the table. */
function own<K extends PropertyKey>(table: Readonly<Record<K, string>>, key: K): string | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

function wordsSaid({ reasonSent, reasonReceived }: CloseCause): string {
  const said: string[] = [];
  if (reasonReceived !== undefined)
    said.push(`The peer told us ${reasonReceived} (${disconnectName(reasonReceived)}).`);
  if (reasonSent !== undefined) said.push(`We told the peer ${reasonSent} (${disconnectName(reasonSent)}).`);
  return said.length === 0 ? 'Neither end told the other why.' : said.join(' ');
}
