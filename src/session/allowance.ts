import type { EthMessageName, MessageSpec } from '../eth/index.js';
import { DISCONNECT } from '../rlpx/index.js';
import type { Clock, Timer } from '../runtime/index.js';
import { type Ending, endings } from './close-cause.js';
import { missingPermission, type PermissionName } from './permissions.js';
import { type QuotaExcess, QuotaMeter, type QuotaVerdict } from './quota.js';
import type { SessionTemplate } from './templates.js';

/** A year in one timer is more than timers hold (2^31 ms). */
const LONGEST_WAIT_MS = 24 * 3_600_000;

/**
 * What may be done with a message that the conversation lets in.
 * take: handle it; a request only as to this share. refuse: not permitted, a request is answered empty, the rest is thrown
 * away unread. drop: thrown away unread, a quota is exceeded. over: the session has ended.
 */
export type Allowed =
  | { readonly verdict: 'take'; readonly share: number }
  | { readonly verdict: 'refuse' | 'drop' | 'over' };

/** What a session has used, and what it was denied. */
export interface SessionUsage {
  /** By name of the message, where the template measures. */
  readonly received: Readonly<Record<string, number>>;
  readonly sent: Readonly<Record<string, number>>;
  /** Messages that came without permission. */
  readonly refused: number;
  /** Requests that were answered in part or empty, and gossip that was thrown away, for a quota. */
  readonly curtailed: number;
  readonly throttlings: number;
}

export interface AllowanceOptions {
  readonly template: SessionTemplate;
  readonly clock: Clock;
  /** The peer's requests in our hands, and bytes of answers that wait for it. */
  readonly load: () => { readonly inflight: number; readonly queuedBytes: number };
  /** Reading stops, or goes on. */
  readonly throttle: (on: boolean) => void;
  /** What is done about a quota has changed. */
  readonly told: (verdict: QuotaExcess) => void;
  readonly end: (ending: Ending) => void;
}

const TAKE: Allowed = { verdict: 'take', share: 1 };
const REFUSE: Allowed = { verdict: 'refuse' };
const DROP: Allowed = { verdict: 'drop' };
const OVER: Allowed = { verdict: 'over' };

/**
 * Holds a session to its template. Charged is what the peer makes us do: its requests, our answers, what it says unasked.
 * Its answers to our own questions are our affair.
 */
export class Allowance {
  readonly template: SessionTemplate;
  readonly #options: AllowanceOptions;
  readonly #meter: QuotaMeter;
  readonly #received = new Map<string, number>();
  readonly #sent = new Map<string, number>();
  #refused = 0;
  #curtailed = 0;
  #told = 'go';
  #reading: Timer | undefined;
  #ageing: Timer | undefined;

  constructor(options: AllowanceOptions) {
    const { template, clock } = options;
    this.template = template;
    this.#options = options;
    this.#meter = new QuotaMeter(template.quotas, clock.now());
    if (template.settings.automaticExpiry) this.#watchAge();
  }

  get usage(): SessionUsage {
    return {
      received: Object.fromEntries(this.#received),
      sent: Object.fromEntries(this.#sent),
      refused: this.#refused,
      curtailed: this.#curtailed,
      throttlings: this.#meter.throttlings(this.#options.clock.now()),
    };
  }

  /** Until the maximum age; Infinity where there is none. */
  get remainingMs(): number {
    return this.#meter.ageLeftMs(this.#options.clock.now());
  }

  /** Asked before the message is decompressed. @param wireBytes what it took on the wire */
  incoming(spec: MessageSpec, wireBytes: number): Allowed {
    if (missingPermission(this.template.permissions, spec.name, 'in') !== undefined) {
      this.#refused++;
      return REFUSE;
    }
    if (spec.kind === 'response' || spec.kind === 'status') {
      this.#count(this.#received, spec.name);
      return TAKE;
    }
    const nowMs = this.#options.clock.now();
    const { inflight, queuedBytes } = this.#options.load();
    const requests = spec.kind === 'request' ? 1 : 0;
    const rate = this.#meter.charge(nowMs, { bytes: wireBytes, requests });
    const verdict = rate.step === 'go' && requests === 1 ? this.#meter.level(inflight, queuedBytes) : rate;
    const allowed = this.#act(verdict, spec);
    if (allowed.verdict === 'take') this.#count(this.#received, spec.name);
    return allowed;
  }

  /** A message of a protocol beside eth that was thrown away unread. @returns false where the session has ended */
  beside(wireBytes: number): boolean {
    const verdict = this.#meter.charge(this.#options.clock.now(), { bytes: wireBytes });
    this.#tell(verdict);
    if (verdict.step === 'close') {
      this.#close(verdict.says);
      return false;
    }
    if (verdict.step === 'throttle') this.#throttle(verdict.forMs);
    return true;
  }

  /** An answer of ours has been made: paid for with the next request. */
  answered(name: EthMessageName, bytes: number): void {
    this.#meter.owe(this.#options.clock.now(), { bytes });
    this.#count(this.#sent, name);
  }

  sent(name: EthMessageName): void {
    this.#count(this.#sent, name);
  }

  /** @returns which permission a message to the peer lacks */
  lacks(name: EthMessageName): PermissionName | undefined {
    return missingPermission(this.template.permissions, name, 'out');
  }

  end(): void {
    this.#reading?.cancel();
    this.#ageing?.cancel();
  }

  #act(verdict: QuotaVerdict, spec: MessageSpec): Allowed {
    this.#tell(verdict);
    if (verdict.step === 'go') return TAKE;
    if (verdict.step === 'close') {
      this.#close(verdict.says);
      return OVER;
    }
    this.#curtailed++;
    if (verdict.step === 'throttle') this.#throttle(verdict.forMs);
    if (spec.kind !== 'request') return DROP;
    return { verdict: 'take', share: verdict.step === 'less' ? verdict.share : 0 };
  }

  #close(says: string): void {
    this.#options.end(endings.refused(DISCONNECT.requested, 'ERR_SESSION_QUOTA', says));
  }

  #tell(verdict: QuotaVerdict): void {
    const word = verdict.step === 'go' ? 'go' : `${verdict.step} ${verdict.quota}`;
    if (word === this.#told) return;
    this.#told = word;
    if (verdict.step !== 'go') this.#options.told(verdict);
  }

  #throttle(forMs: number): void {
    this.#reading?.cancel();
    this.#options.throttle(true);
    this.#reading = this.#options.clock.timer(forMs, () => {
      this.#reading = undefined;
      this.#options.throttle(false);
    });
  }

  #watchAge(): void {
    const leftMs = this.remainingMs;
    if (leftMs === Number.POSITIVE_INFINITY) return;
    if (leftMs === 0) {
      const says = `it has reached its maximum age of ${this.template.quotas.maxAgeMs} ms`;
      this.#options.end(endings.deadline('ERR_SESSION_AGE', says));
      return;
    }
    const waitMs = Math.min(LONGEST_WAIT_MS, Math.ceil(leftMs));
    this.#ageing = this.#options.clock.timer(waitMs, () => this.#watchAge());
  }

  #count(counts: Map<string, number>, name: EthMessageName): void {
    if (this.template.settings.measurement) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
}
