import type { Clock, Timer } from '../runtime/index.js';
import { type Ending, endings } from './close-cause.js';
import type { Deadlines } from './deadlines.js';
import type { StageTimes } from './handle.js';

/** A step on the way to an active session. */
export type Stage = 'connect' | 'auth' | 'hello' | 'status';

const STAGES: Readonly<
  Record<Stage, { readonly deadline: keyof Deadlines; readonly code: string; readonly says: string }>
> = {
  connect: { deadline: 'connectMs', code: 'ERR_SESSION_CONNECT_DEADLINE', says: 'no TCP connection' },
  auth: { deadline: 'authMs', code: 'ERR_SESSION_AUTH_DEADLINE', says: 'ECIES was not through' },
  hello: { deadline: 'helloMs', code: 'ERR_SESSION_HELLO_DEADLINE', says: 'no Hello came' },
  status: { deadline: 'statusMs', code: 'ERR_SESSION_STATUS_DEADLINE', says: 'no Status came' },
};

/** How long each step of a pending session takes, and may take: nothing that the peer sends moves any of the deadlines. */
export class StageClock {
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  readonly #late: (ending: Ending) => void;
  readonly #timesMs: Partial<Record<Stage, number>> = {};
  #sinceMs: number;
  #stageTimer: Timer | undefined;
  #overallTimer: Timer | undefined;

  /** @param late called at the first deadline that runs out */
  constructor(clock: Clock, deadlines: Deadlines, late: (ending: Ending) => void) {
    this.#clock = clock;
    this.#deadlines = deadlines;
    this.#late = late;
    this.#sinceMs = clock.now();
  }

  get timesMs(): Partial<StageTimes> {
    return this.#timesMs;
  }

  /** Since the last step was passed, or the first one began. */
  get stalledMs(): number {
    return this.#clock.now() - this.#sinceMs;
  }

  /** TCP is through: the rest has one deadline together, too. */
  begin(): void {
    const { pendingMs } = this.#deadlines;
    this.#sinceMs = this.#clock.now();
    this.#overallTimer = this.#clock.timer(pendingMs, () => {
      const says = `not active within ${pendingMs} ms of the first byte`;
      this.#late(endings.deadline('ERR_SESSION_PENDING_DEADLINE', says));
    });
  }

  /** A step begins; only one is under way at a time. */
  within(stage: Stage): void {
    const { deadline, code, says } = STAGES[stage];
    const deadlineMs = this.#deadlines[deadline];
    this.#stageTimer?.cancel();
    this.#stageTimer = this.#clock.timer(deadlineMs, () =>
      this.#late(endings.deadline(code, `${says} within ${deadlineMs} ms`)),
    );
  }

  passed(stage: Stage): void {
    const nowMs = this.#clock.now();
    this.#timesMs[stage] = nowMs - this.#sinceMs;
    this.#sinceMs = nowMs;
  }

  /** No step is waited for any more. */
  stop(): void {
    this.#stageTimer?.cancel();
    this.#overallTimer?.cancel();
  }
}
