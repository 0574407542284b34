/** How much one session may have of us. Infinity means: no limit of this kind. */
export interface SessionQuotas {
  /** Of the wire, both ways together, on the average; bytes. */
  readonly bytesPerSecond: number;
  /** Requests of the peer, on the average. */
  readonly requestsPerSecond: number;
  /** For so long both may be had at once, before the average counts; milliseconds. */
  readonly burstMs: number;
  /** Requests of the peer that are worked on or wait. */
  readonly inflightRequests: number;
  /** Of answers that wait until the peer reads; bytes. */
  readonly queuedBytes: number;
  /** From active on; milliseconds. */
  readonly maxAgeMs: number;
}

export type QuotaName = Exclude<keyof SessionQuotas, 'burstMs'>;

/** What the budget of a protocol beside eth counts. */
export type SatelliteQuotaName = 'bytesPerSecond' | 'messagesPerSecond' | 'heldBytes' | 'heldMessages';

/** All of them, in their order. */
export const QUOTA_NAMES: readonly (keyof SessionQuotas)[] = [
  'bytesPerSecond',
  'requestsPerSecond',
  'burstMs',
  'inflightRequests',
  'queuedBytes',
  'maxAgeMs',
];

/** So often a session may be throttled, one pardoned per minute; the next time it is closed. */
export const MAX_THROTTLINGS = 8;
export const THROTTLING_PARDONED_MS = 60_000;

/** What to do with what has just come, or with the session as a whole. */
export type QuotaVerdict =
  | { readonly step: 'go' }
  /** Answer only this share (0 to below 1) of what was asked for; 0 is: answer empty. */
  | { readonly step: 'less'; readonly quota: QuotaName; readonly share: number }
  /** As `less` with nothing, and do not read from the peer for so long. */
  | { readonly step: 'throttle'; readonly quota: QuotaName; readonly forMs: number }
  /** End the session. */
  | { readonly step: 'close'; readonly quota: QuotaName; readonly says: string };

/** What to do with a protocol beside eth that has had more than its budget: hand its messages over later, or end the session. */
export type SatelliteVerdict =
  | {
      readonly step: 'throttle';
      readonly protocol: string;
      readonly quota: SatelliteQuotaName;
      readonly forMs: number;
    }
  | {
      readonly step: 'close';
      readonly protocol: string;
      readonly quota: SatelliteQuotaName;
      readonly says: string;
    };

/** A verdict that something is done about; `protocol` says whose budget it is, where it is not that of the session. */
export type QuotaExcess =
  | (Exclude<QuotaVerdict, { readonly step: 'go' }> & { readonly protocol?: never })
  | SatelliteVerdict;

export type QuotaStep = QuotaVerdict['step'];

/** What something costs, clamped before (`clampedCount`). */
export interface QuotaCost {
  readonly bytes?: number;
  readonly requests?: number;
}

const GO: QuotaVerdict = { step: 'go' };

/**
 * A count that a peer has named, as something to calculate with: whole, at least 1, at most `max`. Everything that costs is
 * clamped like this first, so that no number, however large, can overflow into a small one.
 * @param count of any size; what is no number counts as `max`
 */
export function clampedCount(count: bigint | number, max: number): number {
  if (typeof count === 'bigint') return count >= BigInt(max) ? max : Math.max(1, Number(count));
  if (!(count < max)) return max; // NaN as well
  return Math.max(1, Math.floor(count));
}

/** Tokens that come back at a steady rate. Below zero they are a debt, of at most two fillings. */
export class Bucket {
  readonly #perMs: number;
  readonly #capacity: number;
  #tokens: number;
  #atMs: number;

  constructor(perSecond: number, burstMs: number, nowMs: number) {
    this.#perMs = perSecond / 1_000;
    this.#capacity = Math.max(1, this.#perMs * burstMs);
    this.#tokens = this.#capacity;
    this.#atMs = nowMs;
  }

  take(nowMs: number, count: number): void {
    this.#fill(nowMs);
    this.#tokens = Math.max(-2 * this.#capacity, this.#tokens - Math.max(0, count));
  }

  /** 0 where nothing is owed, 1 where a whole filling is, up to 2. */
  debt(nowMs: number): number {
    this.#fill(nowMs);
    return this.#tokens >= 0 ? 0 : -this.#tokens / this.#capacity;
  }

  /** Until nothing is owed any more. */
  clearMs(): number {
    return this.#tokens >= 0 ? 0 : Math.ceil(-this.#tokens / this.#perMs);
  }

  /** A clock that steps back gives nothing and takes nothing. */
  #fill(nowMs: number): void {
    const elapsedMs = nowMs - this.#atMs;
    if (elapsedMs <= 0) return;
    this.#atMs = nowMs;
    this.#tokens = Math.min(this.#capacity, this.#tokens + elapsedMs * this.#perMs);
  }
}

/**
 * Sees what one session uses and says what to do about it, in steps. Within the quota all is answered; beyond it less and
 * less, in proportion to what is owed; once a whole burst is owed nothing is read until it is paid; and a session that
 * gets there again and again is closed. Knows no clock: every call says what time it is (a monotone one, milliseconds).
 */
export class QuotaMeter {
  readonly quotas: SessionQuotas;
  readonly #bornMs: number;
  readonly #bytes: Bucket | undefined;
  readonly #requests: Bucket | undefined;
  #throttlings = 0;
  #throttledAtMs = 0;
  #throttledUntilMs = 0;

  constructor(quotas: SessionQuotas, nowMs: number) {
    this.quotas = quotas;
    this.#bornMs = nowMs;
    this.#bytes = bucket(quotas.bytesPerSecond, quotas.burstMs, nowMs);
    this.#requests = bucket(quotas.requestsPerSecond, quotas.burstMs, nowMs);
    this.#throttledAtMs = nowMs;
  }

  /** Takes the cost, of which the next verdict will know. */
  owe(nowMs: number, { bytes = 0, requests = 0 }: QuotaCost): void {
    if (bytes > 0) this.#bytes?.take(nowMs, bytes);
    if (requests > 0) this.#requests?.take(nowMs, requests);
  }

  /** Takes the cost, which is then owed in any case, and says what to do. */
  charge(nowMs: number, cost: QuotaCost): QuotaVerdict {
    this.owe(nowMs, cost);
    return worse(
      this.#rate(nowMs, this.#bytes, 'bytesPerSecond'),
      this.#rate(nowMs, this.#requests, 'requestsPerSecond'),
    );
  }

  /** @param inflight the peer's requests in our hands @param queued bytes of answers that wait for it */
  level(inflight: number, queued: number): QuotaVerdict {
    if (queued > this.quotas.queuedBytes) return { step: 'less', quota: 'queuedBytes', share: 0 };
    if (inflight > this.quotas.inflightRequests) return { step: 'less', quota: 'inflightRequests', share: 0 };
    return GO;
  }

  /** Infinity where there is no maximum age; never below 0. */
  ageLeftMs(nowMs: number): number {
    return Math.max(0, this.#bornMs + this.quotas.maxAgeMs - nowMs);
  }

  /** How often it was throttled and has not been pardoned yet. */
  throttlings(nowMs: number): number {
    this.#pardon(nowMs);
    return this.#throttlings;
  }

  #rate(nowMs: number, owed: Bucket | undefined, quota: QuotaName): QuotaVerdict {
    const debt = owed?.debt(nowMs) ?? 0;
    if (owed === undefined || debt === 0) return GO;
    if (debt < 1) return { step: 'less', quota, share: 1 - debt };
    return this.#throttle(nowMs, owed.clearMs(), quota);
  }

  #throttle(nowMs: number, forMs: number, quota: QuotaName): QuotaVerdict {
    // what was on its way when reading stopped is not held against the peer once more
    if (nowMs < this.#throttledUntilMs) {
      this.#throttledUntilMs = nowMs + forMs;
      return { step: 'throttle', quota, forMs };
    }
    this.#pardon(nowMs);
    if (this.#throttlings >= MAX_THROTTLINGS) {
      const says = `${quota} was exceeded ${this.#throttlings + 1} times (${this.quotas[quota]} are allowed)`;
      return { step: 'close', quota, says };
    }
    this.#throttlings++;
    this.#throttledUntilMs = nowMs + forMs;
    return { step: 'throttle', quota, forMs };
  }

  #pardon(nowMs: number): void {
    const minutes = Math.floor((nowMs - this.#throttledAtMs) / THROTTLING_PARDONED_MS);
    if (minutes <= 0) return;
    this.#throttledAtMs += minutes * THROTTLING_PARDONED_MS;
    this.#throttlings = Math.max(0, this.#throttlings - minutes);
  }
}

function bucket(perSecond: number, burstMs: number, nowMs: number): Bucket | undefined {
  return Number.isFinite(perSecond) ? new Bucket(perSecond, burstMs, nowMs) : undefined;
}

const SEVERITY: Readonly<Record<QuotaStep, number>> = { go: 0, less: 1, throttle: 2, close: 3 };

function worse(a: QuotaVerdict, b: QuotaVerdict): QuotaVerdict {
  if (a.step === 'less' && b.step === 'less') return a.share <= b.share ? a : b;
  if (a.step === 'throttle' && b.step === 'throttle') return a.forMs >= b.forMs ? a : b;
  return SEVERITY[a.step] >= SEVERITY[b.step] ? a : b;
}
