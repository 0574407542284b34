import { Bucket, type SatelliteQuotaName } from './quota.js';

const MiB = 1024 * 1024;

/** What one protocol beside eth may have of one session. Infinity: no limit of this kind. */
export interface SatelliteBudget {
  /** Of what comes in, on the wire, on the average. */
  readonly bytesPerSecond: number;
  /** Messages that come in, on the average. */
  readonly messagesPerSecond: number;
  /** For so long both may be had at once, before the average counts; milliseconds. */
  readonly burstMs: number;
  /** Beyond these rates messages wait here; who sends more than fits loses the session. Finite. */
  readonly heldBytes: number;
  readonly heldMessages: number;
  /** What we say and the peer has not read; then `send` says that there is no room. */
  readonly queuedBytes: number;
  readonly queuedMessages: number;
  /** A handler that is not done with a message after so long closes the protocol on its session; milliseconds. */
  readonly handlerMs: number;
}

/**
 * Enough for a peer that copies something large (256 Mbit/s and bursts of ten times that), and no more than our own work of
 * some milliseconds a second. The bounds of what waits are those that every lane of this size has.
 */
export const DEFAULT_SATELLITE_BUDGET: SatelliteBudget = {
  bytesPerSecond: 32 * MiB,
  messagesPerSecond: 2_000,
  burstMs: 10_000,
  heldBytes: MiB,
  heldMessages: 1_024,
  queuedBytes: MiB,
  queuedMessages: 256,
  handlerMs: 30_000,
};

/** The most that each may be; rates may be Infinity as well. */
const MOST: Readonly<Record<keyof SatelliteBudget, number>> = {
  bytesPerSecond: Number.POSITIVE_INFINITY,
  messagesPerSecond: Number.POSITIVE_INFINITY,
  burstMs: 3_600_000,
  heldBytes: 16 * MiB,
  heldMessages: 65_536,
  queuedBytes: MiB, // the lane itself has no more
  queuedMessages: 256,
  handlerMs: 3_600_000,
};

/** @returns what is wrong with it, or the budget with its defaults */
export function checkedBudget(given: Partial<SatelliteBudget> = {}): SatelliteBudget | string {
  const budget = { ...DEFAULT_SATELLITE_BUDGET };
  for (const [name, value] of Object.entries(given)) {
    if (!isBudgetName(name)) return `budget.${name} is nothing that is counted`;
    if (value === undefined) continue; // left out
    if (typeof value !== 'number' || !(value >= 1 && value <= MOST[name]))
      return `budget.${name} ${value} is not a number from 1 to ${MOST[name]}`;
    budget[name] = value;
  }
  return budget;
}

function isBudgetName(name: string): name is keyof SatelliteBudget {
  return Object.hasOwn(DEFAULT_SATELLITE_BUDGET, name);
}

/** A rate that is exceeded, and until when. */
export interface RateExcess {
  readonly quota: SatelliteQuotaName;
  readonly forMs: number;
}

/** Whether the next message may be handed over now. Knows no clock: every call says what time it is (monotone, milliseconds). */
export class SatelliteMeter {
  readonly #bytes: Bucket | undefined;
  readonly #messages: Bucket | undefined;

  constructor({ bytesPerSecond, messagesPerSecond, burstMs }: SatelliteBudget, nowMs: number) {
    const bucket = (perSecond: number): Bucket | undefined =>
      Number.isFinite(perSecond) ? new Bucket(perSecond, burstMs, nowMs) : undefined;
    this.#bytes = bucket(bytesPerSecond);
    this.#messages = bucket(messagesPerSecond);
  }

  /** @returns undefined where nothing is owed */
  excess(nowMs: number): RateExcess | undefined {
    const bytesMs = waitMs(this.#bytes, nowMs);
    const messagesMs = waitMs(this.#messages, nowMs);
    if (bytesMs === 0 && messagesMs === 0) return undefined;
    return bytesMs >= messagesMs
      ? { quota: 'bytesPerSecond', forMs: bytesMs }
      : { quota: 'messagesPerSecond', forMs: messagesMs };
  }

  /** One message is handed over. */
  take(nowMs: number, bytes: number): void {
    this.#bytes?.take(nowMs, bytes);
    this.#messages?.take(nowMs, 1);
  }
}

function waitMs(bucket: Bucket | undefined, nowMs: number): number {
  return bucket === undefined || bucket.debt(nowMs) === 0 ? 0 : bucket.clearMs();
}
