/** One node of the devnet as its log tells it. */
export interface NodeView {
  readonly name: string;
  readonly state: NodeState;
  readonly enode: string | undefined;
  /** Session id to eth version. */
  readonly sessions: ReadonlyMap<string, number>;
  readonly head: number;
  readonly hash: string | undefined;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export type NodeState =
  | 'starting'
  | 'importing'
  | 'alone'
  | 'connected'
  | 'pulling'
  | 'whole'
  | 'stopping'
  | 'verified';

/** A line of `rlpxd run --log json`. */
export type LogLine = Readonly<Record<string, unknown>>;

export function newView(name: string): NodeView {
  return {
    name,
    state: 'starting',
    enode: undefined,
    sessions: new Map(),
    head: 0,
    hash: undefined,
    bytesIn: 0,
    bytesOut: 0,
  };
}

/** What a view becomes by one log line. @param goal the head that all nodes are to reach; undefined while unknown */
export function readLine(view: NodeView, line: LogLine, goal: number | undefined): NodeView {
  const next = { ...view, ...facts(view, line) };
  return { ...next, state: stateOf(next, line, goal) };
}

function facts(view: NodeView, line: LogLine): Partial<NodeView> {
  const session = String(line.session);
  switch (line.event) {
    case 'listening':
      return { enode: String(line.enode), head: number(line.head), hash: String(line.hash) };
    case 'session.active':
      return { sessions: new Map(view.sessions).set(session, number(line.eth)) };
    case 'session.ended': {
      const sessions = new Map(view.sessions);
      sessions.delete(session);
      return { sessions };
    }
    case 'pull.progress':
      return { head: number(line.head) };
    case 'pull.done':
      return { head: number(line.head), hash: String(line.hash) };
    case 'status': {
      const { head, hash, bytesIn, bytesOut } = line;
      return { head: number(head), hash: String(hash), bytesIn: number(bytesIn), bytesOut: number(bytesOut) };
    }
    default:
      return {};
  }
}

function stateOf(view: NodeView, line: LogLine, goal: number | undefined): NodeState {
  if (line.event === 'closing' || view.state === 'stopping') return 'stopping';
  if (view.enode === undefined) return view.state;
  if (goal !== undefined && view.head >= goal) return 'whole';
  if (view.head > 0) return 'pulling';
  return view.sessions.size > 0 ? 'connected' : 'alone';
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
