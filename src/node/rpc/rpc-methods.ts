import { bytesToHex, prefixedHex } from '../../codec/index.js';
import { type Enode, formatEnode, PeerError, parseEnode } from '../../peers/index.js';
import { DISCONNECT } from '../../rlpx/index.js';
import {
  explainCause,
  SESSION_STATES,
  type Session,
  type SessionHandle,
  SessionNotFound,
} from '../../session/index.js';
import { type Json, toJson } from '../json.js';
import type { RlpxdNode } from '../node.js';
import { clientName } from '../version.js';
import { RPC_ERROR, RpcError, type RpcMethod, type RpcMethods } from './json-rpc.js';
import { transactionMethods } from './tx-methods.js';

/** What the methods ask of a node. */
export type RpcNode = Pick<
  RlpxdNode,
  | 'address'
  | 'addPeer'
  | 'backend'
  | 'broadcast'
  | 'broadcastReport'
  | 'chain'
  | 'config'
  | 'crypto'
  | 'enode'
  | 'feeds'
  | 'history'
  | 'identity'
  | 'removePeer'
  | 'sessions'
  | 'world'
>;

/** Past sessions in one answer, unless asked otherwise; and the most. */
const PAST_SESSIONS = 50;
const MOST_PAST_SESSIONS = 1_000;

/** The methods of the local socket: `admin`, `rpc` and `web3` as geth has them, and our own. */
export function nodeMethods(node: RpcNode): RpcMethods {
  const methods: Readonly<Record<string, RpcMethod>> = {
    rpc_modules: none(() => ({ admin: '1.0', rlpxd: '1.0', rpc: '1.0', web3: '1.0' })),
    web3_clientVersion: none(() => clientName()),
    admin_nodeInfo: none(() => nodeInfo(node)),
    admin_peers: none(() => peers(node)),
    admin_addPeer: (params) => {
      node.addPeer(enodeOf(node, params));
      return true;
    },
    admin_removePeer: async (params) => {
      const enode = enodeOf(node, params);
      node.removePeer(enode);
      await disconnected(node.sessions.getByPeer(enode.publicKey));
      return true;
    },
    ...transactionMethods(node),
    rlpxd_sessions: (params) => sessions(node, params),
    rlpxd_explain: async (params) => explained(node, textOf(params, 'the id of a session')),
    rlpxd_disconnect: async (params) => {
      const id = textOf(params, 'the id of a session');
      const session = living(node, id);
      if (session === undefined) throw new RpcError(RPC_ERROR.refused, `no living session ${shown(id)}`);
      await disconnected(session);
      return true;
    },
  };
  return new Map(Object.entries(methods));
}

function none(method: () => Json): RpcMethod {
  return (params) => {
    if (params.length > 0) throw wrong('no parameters are wanted');
    return method();
  };
}

function nodeInfo({ identity, enode, address, chain, sessions, backend }: RpcNode): Json {
  const port = address?.port ?? 0;
  const host = address?.host ?? '127.0.0.1';
  const { latestHash } = backend.range();
  return {
    id: identity.id,
    name: clientName(),
    // as geth has it where nobody listens: a port of 0
    enode: enode ?? formatEnode({ publicKey: sessions.publicKey, host, port }),
    ip: host,
    ports: { discovery: 0, listener: port },
    listenAddr: address === undefined ? '' : placeText(address),
    protocols: {
      eth: {
        network: Number(chain.networkId),
        genesis: prefixedHex(chain.genesisHash),
        head: prefixedHex(latestHash),
      },
    },
  };
}

function peers({ sessions }: RpcNode): Json {
  const infos = sessions.active().map((session) => peerInfo(session));
  return infos.sort((a, b) => (a.id < b.id ? -1 : 1));
}

function peerInfo(session: Session): { readonly id: string; readonly [name: string]: Json } {
  const { remote, publicKey, kind, eth, direction } = session;
  const { address, capabilities, client } = remote;
  return {
    enode: formatEnode({ publicKey, host: address.host, port: address.port }),
    id: bytesToHex(session.nodeId),
    name: client,
    caps: capabilities.map(({ name, version }) => `${name}/${version}`),
    network: {
      remoteAddress: placeText(address),
      inbound: direction === 'inbound',
      trusted: kind === 'trusted',
      static: kind === 'static',
    },
    protocols: { eth: ethInfo(eth) },
  };
}

function ethInfo({ version, range }: Session['eth']): Json {
  if (range === undefined) return { version };
  return {
    version,
    earliestBlock: toJson(range.earliest),
    latestBlock: toJson(range.latest),
    latestBlockHash: prefixedHex(range.latestHash),
  };
}

/** `[{ state, peer, past }]`: a state, the beginning of a node id or public key, and how many past ones at most. */
async function sessions(node: RpcNode, params: readonly Json[]): Promise<Json> {
  const { state, peer, past } = wishes(params);
  const isOf = (one: { readonly publicKey?: string; readonly nodeId?: string }): boolean =>
    peer === undefined || [one.publicKey, one.nodeId].some((text) => text?.startsWith(peer) === true);
  const living = node.sessions.list().map((session) => session.describe());
  const ended = await node.history?.list({
    limit: past,
    fits: (one) => isOf(one) && (state === undefined || one.cause.outcome === state),
  });
  return {
    live: toJson(living.filter((one) => isOf(one) && (state === undefined || one.state === state))),
    past: toJson(ended ?? []),
    history: node.history === undefined ? null : toJson(node.history.stats()),
  };
}

function wishes(params: readonly Json[]): {
  readonly state: string | undefined;
  readonly peer: string | undefined;
  readonly past: number;
} {
  const [wished = {}] = params;
  if (params.length > 1 || typeof wished !== 'object' || wished === null || Array.isArray(wished))
    throw wrong('one object is wanted: { state, peer, past }');
  const { state, peer, past = PAST_SESSIONS, ...unknown } = wished as { readonly [name: string]: Json };
  const [stranger] = Object.keys(unknown);
  if (stranger !== undefined) throw wrong(`there is no ${shown(stranger)} to wish for`);
  if (state !== undefined && !(SESSION_STATES as readonly Json[]).includes(state))
    throw wrong(`state is one of ${SESSION_STATES.join(', ')}`);
  if (peer !== undefined && (typeof peer !== 'string' || !/^[0-9a-f]{1,128}$/i.test(peer)))
    throw wrong('peer is the beginning of a node id or public key, in hex');
  if (typeof past !== 'number' || !Number.isInteger(past) || past < 0 || past > MOST_PAST_SESSIONS)
    throw wrong(`past is a number from 0 to ${MOST_PAST_SESSIONS}`);
  return { state: state as string | undefined, peer: peer?.toLowerCase(), past };
}

/** A living session has a state, one that has ended its cause. */
async function explained(node: RpcNode, id: string): Promise<Json> {
  const session = living(node, id);
  if (session !== undefined) {
    const record = session.describe();
    return { says: `session ${id} is ${record.state}`, session: toJson(record) };
  }
  const summary = await node.history?.get(id);
  if (summary === undefined)
    throw new RpcError(RPC_ERROR.refused, `nothing is known of a session ${shown(id)}`);
  return { says: explainCause(summary.cause), session: toJson(summary) };
}

function living({ sessions }: RpcNode, id: string): SessionHandle | undefined {
  try {
    return sessions.get(id);
  } catch (error) {
    if (error instanceof SessionNotFound) return undefined;
    throw error;
  }
}

/** @returns when it has ended; its socket may live on for a moment, so that the peer can read why. */
async function disconnected(session: SessionHandle | undefined): Promise<void> {
  session?.disconnect(DISCONNECT.requested, 'asked for at the local socket');
  await session?.ended;
}

function enodeOf({ crypto }: RpcNode, params: readonly Json[]): Enode {
  const url = textOf(params, 'an enode URL');
  try {
    return parseEnode(url, crypto);
  } catch (error) {
    if (error instanceof PeerError) throw new RpcError(RPC_ERROR.refused, `invalid enode: ${error.message}`);
    throw error;
  }
}

function textOf(params: readonly Json[], what: string): string {
  const [text] = params;
  if (params.length === 1 && typeof text === 'string' && text.length <= 1_024) return text;
  throw wrong(`one text is wanted: ${what}`);
}

function placeText({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 64));
}

function wrong(says: string): RpcError {
  return new RpcError(RPC_ERROR.params, says);
}
