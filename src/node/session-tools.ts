import { realWorld, silentLogger, type World } from '../runtime/index.js';
import { explainCause, SESSION_STATES } from '../session/index.js';
import { datadirPaths } from './datadir.js';
import { ConfigError } from './errors.js';
import { explainJournalFile } from './journal-tools.js';
import { type Json, toJson } from './json.js';
import { askNode } from './local-ask.js';
import { readText } from './read-text.js';
import { isCloseCause, SessionHistory, type SessionSummary } from './session-history.js';

/** States by which `findSessions` chooses. */
export { SESSION_STATES };

/** The record of one session has a few thousand. */
const MAX_RECORD_BYTES = 1_048_576;

/** There is no such session, or no node that could have it. */
export class SessionLookupError extends Error {
  override readonly name = 'SessionLookupError';
  readonly code = 'ERR_NODE_SESSION';
}

export interface SessionToolOptions {
  readonly datadir: string;
  /** The outside world; the real one. */
  readonly world?: World;
}

export interface SessionsWanted extends SessionToolOptions {
  readonly state?: string | undefined;
  /** The beginning of a node id or public key, in hex. */
  readonly peer?: string | undefined;
  /** Past sessions at most. */
  readonly past: number;
}

/** Sessions as `rlpxd_sessions` answers; `live` is empty where no node runs. */
export interface SessionsFound {
  readonly running: boolean;
  readonly live: readonly { readonly [name: string]: Json }[];
  readonly past: readonly { readonly [name: string]: Json }[];
}

/** Of the node that runs in the datadir; where none does, from what it has left. @throws ConfigError ERR_CONFIG_DATADIR, RpcError */
export async function findSessions(wanted: SessionsWanted): Promise<SessionsFound> {
  const { state, peer, past } = wanted;
  const given = { ...(state === undefined ? {} : { state }), ...(peer === undefined ? {} : { peer }), past };
  const answer = await askNode(wanted, 'rlpxd_sessions', [given]);
  if (answer !== undefined) return { running: true, ...(answer as Pick<SessionsFound, 'live' | 'past'>) };
  const prefix = peer?.toLowerCase();
  const fits = ({ cause, publicKey, nodeId }: SessionSummary): boolean =>
    (state === undefined || cause.outcome === state) &&
    (prefix === undefined || [publicKey, nodeId].some((text) => text?.startsWith(prefix) === true));
  const found = await withHistory(wanted, (history) => history.list({ limit: past, fits }));
  return { running: false, live: [], past: toJson(found) as SessionsFound['past'] };
}

/** How a session ended, in words, and the record that says so. */
export interface Explanation {
  readonly says: string;
  readonly session: Json;
}

/**
 * @param what the id of a session (`s17`, `3-s17`), a JSON file with the record of an end (`cause` in it, or as a whole), or its journal
 * @throws ConfigError ERR_CONFIG_FILE, ERR_CONFIG_DATADIR; RpcError; SessionLookupError ERR_NODE_SESSION
 */
export async function explainSession(what: string, options: SessionToolOptions): Promise<Explanation> {
  const { world = realWorld() } = options;
  const looksLikeId = /^(\d+-)?s\d+$/.test(what);
  const isThere = (await world.files.stat(what)) !== undefined;
  if (!isThere && !looksLikeId) {
    const says = `${what} is neither the id of a session, like s17 or 3-s17, nor a file that exists`;
    throw new ConfigError('ERR_CONFIG_FILE', 'file', says);
  }
  if (isThere) return explainFile(what, world);
  const answer = await askNode(options, 'rlpxd_explain', [what]);
  if (answer !== undefined) return answer as unknown as Explanation;
  const summary = await withHistory(options, (history) => history.get(what));
  if (summary === undefined) throw new SessionLookupError(`nothing is known of a session ${what}`);
  return { says: explainCause(summary.cause), session: toJson(summary) };
}

/** Ends a session of the node that runs in the datadir. @throws SessionLookupError ERR_NODE_SESSION where none runs; RpcError */
export async function disconnectSession(id: string, options: SessionToolOptions): Promise<void> {
  const done = await askNode(options, 'rlpxd_disconnect', [id]);
  if (done === undefined) throw new SessionLookupError(`no node runs in ${options.datadir}`);
}

async function withHistory<T>(
  { datadir, world = realWorld() }: SessionToolOptions,
  use: (history: SessionHistory) => Promise<T>,
): Promise<T> {
  const { sessions } = datadirPaths(datadir);
  if ((await world.files.stat(sessions)) === undefined) {
    const says = `datadir ${datadir} holds no history of sessions`;
    throw new ConfigError('ERR_CONFIG_DATADIR', 'datadir', says);
  }
  const store = await world.stores.open(sessions);
  try {
    const history = await SessionHistory.open({
      ...{ store, clock: world.clock, logger: silentLogger, readOnly: true },
    });
    return await use(history);
  } finally {
    await store.close();
  }
}

async function explainFile(path: string, world: World): Promise<Explanation> {
  const journal = await explainJournalFile(path, { world });
  if (journal !== undefined) return journal;
  const text = await readText(world.files, 'record', path, MAX_RECORD_BYTES);
  const session = parse(text);
  const cause =
    typeof session === 'object' && session !== null && 'cause' in session ? session.cause : session;
  if (typeof cause === 'object' && cause !== null && isCloseCause(cause))
    return { says: explainCause(cause), session: session as Json };
  throw new ConfigError(
    'ERR_CONFIG_FILE',
    'file',
    `${path} is neither the id of a session nor the record of an end, nor a journal`,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
