import { bytesToHex } from '../codec/index.js';
import type { CloseCause } from './close-cause.js';
import type { SessionHost } from './host.js';
import type { JournalKeeper } from './journal-keeper.js';
import type { ManagedSession } from './managed-session.js';
import { isPending, isTerminal, type LiveState, type LivingEvent } from './state.js';

/** What is written down of the life of one session, from its first event on, once it is known that anything is. */
export class History {
  readonly #session: ManagedSession;
  readonly #host: SessionHost;
  /** Before it is known whether there is a journal: at most five events. */
  readonly #lived: { readonly atMs: number; readonly event: LivingEvent; readonly state: LiveState }[] = [];
  #journal: JournalKeeper | undefined;
  /** Who keeps the journals does not want this one. */
  #isUnwanted = false;

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
    const { settings } = this.#session.template;
    if (this.#journal !== undefined || this.#isUnwanted || settings.messageLogging === 'off') return;
    this.#journal = this.#host.journals?.open(this.#session, settings, this.#session.createdAtMs);
    this.#isUnwanted = this.#journal === undefined;
    for (const { atMs, event, state } of this.#lived) this.#journal?.event(atMs, event, state);
    this.#lived.length = 0;
  }

  /** The session has accepted an event. */
  event(event: LivingEvent): void {
    const atMs = this.#host.world.clock.wallMs();
    const { state } = this.#session;
    if (isTerminal(state)) return;
    if (this.#journal !== undefined) this.#journal.event(atMs, event, state, this.#factsOf(event));
    else if (isPending(state)) this.#lived.push({ atMs, event, state });
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
