import { bytesToHex } from '../codec/index.js';
import type { CloseCause } from './close-cause.js';
import type { SessionHost } from './host.js';
import { JournalKeeper } from './journal-keeper.js';
import type { ManagedSession } from './managed-session.js';
import { isPending, type LivingEvent } from './state.js';

/** What is written down of the life of one session, from its first event on, once it is known that anything is. */
export class History {
  readonly #session: ManagedSession;
  readonly #host: SessionHost;
  /** Before it is known whether there is a journal: at most five events. */
  readonly #lived: { readonly atMs: number; readonly event: LivingEvent }[] = [];
  #journal: JournalKeeper | undefined;

  constructor(session: ManagedSession, host: SessionHost) {
    this.#session = session;
    this.#host = host;
  }

  /** undefined where the template of the session says that nothing is written down. */
  get journal(): JournalKeeper | undefined {
    return this.#journal;
  }

  /** Called when the template is known, which may be when the key is proven, or at the end. */
  open(): void {
    const session = this.#session;
    const { messageLogging, ambientLogging } = session.template.settings;
    const { journal: sink, crypto, world, logger } = this.#host;
    if (this.#journal !== undefined || messageLogging === 'off' || sink === undefined) return;
    this.#journal = new JournalKeeper(
      session,
      {
        session: session.id,
        direction: session.direction,
        keccak256: (...parts) => crypto.keccak256(...parts),
        whole: messageLogging === 'whole',
        ambient: ambientLogging,
        atMs: session.createdAtMs,
      },
      { sink, clock: world.clock, logger },
    );
    for (const { atMs, event } of this.#lived) this.#journal.event(atMs, event);
    this.#lived.length = 0;
  }

  /** The session has accepted an event. */
  event(event: LivingEvent): void {
    const atMs = this.#host.world.clock.wallMs();
    if (this.#journal !== undefined) this.#journal.event(atMs, event, this.#factsOf(event));
    else if (isPending(this.#session.state)) this.#lived.push({ atMs, event });
  }

  end(cause: CloseCause): void {
    this.open();
    this.#journal?.end(cause);
  }

  /** What has become known with an event. */
  #factsOf(event: LivingEvent): Readonly<Record<string, string>> | undefined {
    const { connection, publicKey } = this.#session;
    if (event === 'authenticated' && publicKey !== undefined)
      return { nodeId: bytesToHex(this.#host.crypto.keccak256(publicKey)) };
    if (event === 'greeted' && connection?.hello !== undefined) return { client: connection.hello.clientId };
    if (event === 'verified' && connection?.sharedId !== undefined)
      return { sharedId: bytesToHex(connection.sharedId) };
    return undefined;
  }
}
