import { type SeededRandom, seededRandom } from '../../../src/testing/index.js';

export const SECOND = 1_000;
export const MINUTE: number = 60 * SECOND;

/** What a byzantine peer does to an honest node. */
export const ACTS = [
  'garbage', // bytes that are no handshake
  'silent', // connections on which nothing is said
  'drip', // a byte now and then
  'hold-auth',
  'hold-hello',
  'hold-status',
  'wrong-status',
  'early', // requests before Status
  'liar', // false answers, false ranges
  'mute', // no answers
  'ping-flood',
  'gossip-flood',
  'duplicate', // one identity, several connections
  'cut-frame', // a frame begun, then a reset
  'broken-mac',
  'unasked', // answers to nothing, unknown ids
  'greedy', // asks for much and reads nothing
  'odd-goodbye',
] as const;
export type Act = (typeof ACTS)[number];

/** Something that goes wrong, or that somebody does. Hosts are numbers: honest nodes first, then byzantine peers. */
export type Fault =
  | {
      readonly kind: 'slow';
      readonly a: number;
      readonly b: number;
      readonly forMs: number;
      readonly latencyMs: number;
      readonly bytesPerSecond: number;
    }
  | { readonly kind: 'cut'; readonly a: number; readonly b: number; readonly forMs: number }
  | { readonly kind: 'reset'; readonly a: number; readonly b: number }
  | { readonly kind: 'freeze'; readonly node: number; readonly forMs: number }
  | { readonly kind: 'disk-full'; readonly node: number; readonly forMs: number }
  | { readonly kind: 'crash'; readonly node: number; readonly forMs: number; readonly keep: number }
  | { readonly kind: 'restart'; readonly node: number; readonly forMs: number }
  | { readonly kind: 'reorganise'; readonly depth: number }
  | { readonly kind: 'ask'; readonly node: number; readonly abortAfterMs: number | undefined }
  | { readonly kind: 'pause'; readonly node: number; readonly forMs: number }
  | { readonly kind: 'leave'; readonly node: number; readonly reason: number }
  | {
      readonly kind: 'dial';
      readonly node: number;
      readonly to: number;
      readonly abortAfterMs: number | undefined;
    }
  | {
      readonly kind: 'act';
      readonly act: Act;
      readonly peer: number;
      readonly node: number;
      readonly forMs: number;
      readonly fresh: boolean;
    };

export type PlannedFault = Fault & { readonly number: number; readonly atMs: number };

/** An honest node. */
export interface PlannedNode {
  readonly peers: readonly number[];
  /** Whether it believes the source; nobody believes anyone else. */
  readonly trustsSource: boolean;
  readonly ethVersions: readonly number[] | undefined;
  readonly maxPendingPeers: number;
}

/** All that happens, drawn from the seed before anything does: so one thing can be left out and the rest stays. */
export interface Plan {
  readonly seed: string;
  readonly forMs: number;
  readonly honest: readonly PlannedNode[];
  readonly byzantine: number;
  readonly latencyMs: number;
  readonly jitterMs: number;
  readonly windowBytes: number;
  readonly maxPieceBytes: number;
  readonly faults: readonly PlannedFault[];
}

export interface PlanOptions {
  readonly seed: string | number;
  /** Honest and byzantine together; a quarter, rounded down, is byzantine. */
  readonly nodes: number;
  readonly minutes: number;
}

export function planOf({ seed, nodes, minutes }: PlanOptions): Plan {
  const random = seededRandom(`plan ${seed}`);
  const byzantine = Math.floor(nodes / 4);
  const honest = nodes - byzantine;
  const drawnNodes = Array.from({ length: honest }, (_, i) => plannedNode(random, i, honest, byzantine));
  const drawn: { fault: Fault; atMs: number }[] = [];
  const forMs = minutes * MINUTE;
  const count = Math.round(minutes * (6 + byzantine * 2));
  for (let i = 0; i < count; i++) {
    const fault = drawnFault(random, honest, byzantine);
    drawn.push({ fault, atMs: Math.floor(random.unit() * forMs) });
  }
  drawn.sort((a, b) => a.atMs - b.atMs);
  return {
    seed: String(seed),
    forMs,
    honest: withinReach(drawnNodes),
    byzantine,
    latencyMs: pick(random, [1, 5, 20, 80]),
    jitterMs: pick(random, [0, 5, 40]),
    windowBytes: pick(random, [4_096, 65_536, 65_536, 262_144]),
    maxPieceBytes: pick(random, [700, 16_384, 16_384, 65_536]),
    faults: drawn.map(({ fault, atMs }, number) => ({ ...fault, number, atMs })),
  };
}

/** Who shares no version of eth with anybody on the way to node 0 could never have the chain: it knows node 0 itself, too. */
function withinReach(nodes: readonly PlannedNode[]): readonly PlannedNode[] {
  const reached = new Set([0]);
  const speak = (a: PlannedNode, b: PlannedNode): boolean =>
    a.ethVersions?.some((version) => b.ethVersions?.includes(version) ?? true) ?? true;
  for (let before = 0; before < reached.size; ) {
    before = reached.size;
    for (const [i, node] of nodes.entries()) {
      for (const [j, other] of nodes.entries()) {
        if (!reached.has(j) || !speak(node, other)) continue;
        if (node.peers.includes(j) || other.peers.includes(i)) reached.add(i);
      }
    }
  }
  return nodes.map((node, i) => (reached.has(i) ? node : { ...node, peers: [0, ...node.peers] }));
}

/** Each knows an earlier one; node 0 is the source, and speaks every version. */
function plannedNode(random: SeededRandom, i: number, honest: number, byzantine: number): PlannedNode {
  const peers = new Set<number>();
  if (i > 0) peers.add(random.below(3) === 0 ? random.below(i) : 0);
  for (let other = 0; other < honest + byzantine; other++) {
    const share = other < honest ? 0.4 : 0.3;
    if (other !== i && random.unit() < share) peers.add(other);
  }
  const from = random.below(5);
  return {
    peers: [...peers].sort((a, b) => a - b),
    trustsSource: i > 0 && random.below(3) === 0,
    ethVersions: i > 0 && random.below(3) === 0 ? [68, 69, 70, 71, 72].slice(from, from + 2) : undefined,
    maxPendingPeers: pick(random, [6, 12, 50]),
  };
}

function drawnFault(random: SeededRandom, honest: number, byzantine: number): Fault {
  const node = random.below(honest);
  const other = (node + 1 + random.below(Math.max(1, honest - 1))) % honest;
  const forMs = Math.floor(random.unit() ** 3 * 90 * SECOND) + 50;
  const abortAfterMs = random.below(3) === 0 ? random.below(400) : undefined;
  const roll = random.unit();
  if (byzantine > 0 && roll < 0.45) {
    const act = pick(random, ACTS);
    return { kind: 'act', act, node, forMs, peer: random.below(byzantine), fresh: random.below(2) === 0 };
  }
  const kinds = ['slow', 'cut', 'reset', 'freeze', 'disk-full', 'crash', 'restart', 'reorganise'] as const;
  const users = ['ask', 'ask', 'pause', 'leave', 'dial', 'dial'] as const;
  const kind = pick(random, [...kinds, ...users]);
  switch (kind) {
    case 'slow': {
      const bytesPerSecond = pick(random, [20_000, 200_000, Infinity]);
      return { kind, a: node, b: other, forMs, latencyMs: pick(random, [50, 400, 3_000]), bytesPerSecond };
    }
    case 'cut':
      return { kind, a: node, b: other, forMs };
    case 'reset':
      return { kind, a: node, b: other };
    case 'crash':
      return { kind, node, forMs, keep: random.below(3) };
    case 'reorganise':
      return { kind, depth: 1 + random.below(6) };
    case 'ask':
      return { kind, node, abortAfterMs };
    case 'leave':
      return { kind, node, reason: random.below(14) };
    case 'dial':
      return { kind, node, to: other, abortAfterMs };
    default:
      return { kind, node, forMs };
  }
}

export function pick<T>(random: SeededRandom, from: readonly T[]): T {
  const chosen = from[random.below(from.length)];
  if (chosen === undefined) throw new RangeError('nothing to pick from');
  return chosen;
}

/** One line: `12.4 s  #7 crash node 2 for 31 s`. */
export function faultText({ number, atMs, kind, ...more }: PlannedFault): string {
  const facts = Object.entries(more).filter(([, value]) => value !== undefined);
  const said = facts.map(([name, value]) => `${name} ${value}`).join(', ');
  return `#${number} at ${(atMs / SECOND).toFixed(1)} s: ${kind}${said === '' ? '' : ` (${said})`}`;
}
