import { DISCONNECT, type DisconnectReason } from '../rlpx/index.js';
import type { Clock, Logger } from '../runtime/index.js';
import type { ActiveSession } from './active.js';
import { type CloseCause, endings } from './close-cause.js';
import type { Deadlines } from './deadlines.js';
import { deferred } from './deferred.js';
import type { SessionError } from './errors.js';
import type { SessionEmitter } from './events.js';
import { callForeign, textOf } from './foreign-code.js';
import type { Place, StatusProvider } from './host.js';
import { Lingering } from './lingering.js';
import type { ManagedSession } from './managed-session.js';
import type { SessionCleaner } from './manager-options.js';
import { duplicateOf, type Places } from './places.js';
import type { PeerPolicy } from './policy.js';
import { statusRange } from './range.js';
import { EndedSessions } from './validation.js';

export interface RosterOptions {
  readonly clock: Clock;
  readonly places: Places;
  readonly policy: PeerPolicy;
  readonly status: StatusProvider;
  readonly events: SessionEmitter;
  readonly deadlines: Deadlines;
  readonly logger: Logger;
  readonly cleaner: SessionCleaner | undefined;
}

/** All sessions that live, and what their beginnings and ends mean for the others and for those who listen. */
export class Roster {
  readonly #options: RosterOptions;
  readonly #sessions = new Map<string, ManagedSession>();
  readonly #ended = new EndedSessions();
  readonly #lingering: Lingering;
  #epoch = 0;
  #leaving = false;

  constructor(options: RosterOptions) {
    this.#options = options;
    this.#lingering = new Lingering(options.clock);
  }

  /** How many sessions have ended. */
  get epoch(): number {
    return this.#epoch;
  }

  nextEpoch(): number {
    return ++this.#epoch;
  }

  /** Nothing begins any more. */
  get isLeaving(): boolean {
    return this.#leaving;
  }

  /** Whether one more socket may live on to deliver a Disconnect. */
  get mayLinger(): boolean {
    return this.#lingering.hasRoom;
  }

  get(id: string): ManagedSession | undefined {
    return this.#sessions.get(id);
  }

  /** In the order of their beginning. */
  all(): readonly ManagedSession[] {
    return [...this.#sessions.values()];
  }

  /** What to say of a session that is not there. */
  missing(id: string): SessionError {
    return this.#ended.missing(id);
  }

  /** It has its place from here on; whoever made it has asked for one. */
  add(session: ManagedSession): void {
    this.#options.places.counter.reserve(session);
    this.#sessions.set(session.id, session);
    this.#options.events.emit('created', { session });
  }

  /** Status agrees: may it be active? */
  placeActive(session: ManagedSession): Place {
    if (!this.#leaving) return this.#options.places.active(session);
    return { verdict: 'refuse', ending: endings.asked(DISCONNECT.clientQuitting, 'we shut down') };
  }

  activated(session: ManagedSession, active: ActiveSession): void {
    const { places, events, policy, status } = this.#options;
    const unsure = places.isUnsure(session);
    places.activate(session);
    if (unsure) void active.becomeSure().then(() => this.#endRivals(session));
    else this.#endRivals(session);
    events.after(() => {
      events.emit('activated', { session: active });
      this.#told(() => policy.established?.(active));
    });
    if (session.isOver || !active.announcesRange) return;
    const range = statusRange(status.status(active.eth.version)); // it may have moved since our Status went out
    if (range !== undefined) active.announce(range);
  }

  ended(session: ManagedSession, cause: CloseCause): void {
    const { places, events, policy } = this.#options;
    places.release(session);
    this.#sessions.delete(session.id);
    this.#ended.remember(session.id, cause);
    const isGone = session.isReleased;
    if (!isGone) this.#lingering.add(session);
    this.#told(() => policy.ended?.(session, cause));
    if (cause.outcome === 'expired') events.emit('expired', { session, cause });
    events.emit('closed', { session, cause });
    events.emit('epochAdvanced', { session, epoch: cause.epoch });
    if (isGone) this.#clean(session);
    for (const rival of places.rivals(session))
      if (rival.pending.isWaiting) rival.guard(() => rival.pending.settle());
  }

  /** Its socket is gone. */
  released(session: ManagedSession): void {
    this.#lingering.delete(session);
    this.#clean(session);
    this.#lingering.look();
  }

  /** Nothing begins any more; what has begun is drained, and then ended. Waits until all sockets are gone. */
  async close(reason: DisconnectReason, timeoutMs: number): Promise<void> {
    const { clock, deadlines } = this.#options;
    this.#leaving = true;
    const startedMs = clock.now();
    const says = 'we shut down';
    // half of the time is for what has begun, the rest for the peers to read our Disconnect
    const drainMs = Math.min(deadlines.drainMs, timeoutMs / 2);
    const closing = this.all().map((session) => session.close({ reason, says, timeoutMs: drainMs }));
    if (this.#sessions.size > 0) {
      const late = deferred<void>();
      const timer = clock.timer(drainMs, () => late.resolve());
      await Promise.race([Promise.all(closing), late.promise]);
      timer.cancel();
    }
    for (const session of this.all()) session.end(endings.asked(reason, says));
    await this.#lingering.none(Math.max(0, timeoutMs - (clock.now() - startedMs)));
  }

  /** One session per peer, and this is the one. */
  #endRivals(session: ManagedSession): void {
    if (session.isOver) return;
    for (const rival of this.#options.places.rivals(session)) rival.end(duplicateOf(session).ending);
  }

  /** Nothing of the session is left with us: whoever kept something for it can let it go. */
  #clean(session: ManagedSession): void {
    const { cleaner, logger } = this.#options;
    callForeign(
      () => cleaner?.(session),
      (error) => {
        const fields = { event: 'session.cleaner', session: session.id, cause: textOf(error) };
        logger.error(fields, 'the cleaner failed');
      },
    );
  }

  #told(tell: () => unknown): void {
    callForeign(tell, (error) => {
      this.#options.logger.error({ event: 'session.policy', cause: textOf(error) }, 'the policy failed');
    });
  }
}
