import type { MessageSpec } from '../eth/index.js';
import type { Clock, Logger } from '../runtime/index.js';
import type { CloseCause } from './close-cause.js';
import type { EthTable } from './eth-table.js';
import { textOf } from './foreign-code.js';
import type { SessionHandle } from './handle.js';
import { type JournalOptions, type JournalRecord, SessionJournal } from './journal.js';
import type { JournalEntry } from './journal-entry.js';
import type { MessageSink } from './outgoing.js';
import type { LivingEvent } from './state.js';

/**
 * Takes the journals of the sessions whose template has `messageLogging`, in pieces and in order: a file, a database, a
 * list. Written behind: while a promise of it is open, entries wait, up to 4 MiB per session. One that fails is logged,
 * and gets nothing more of that session.
 */
export interface JournalSink {
  write(session: SessionHandle, entries: readonly JournalEntry[]): void | Promise<void>;
}

/** Bytes of lines that are handed over at once. */
const PIECE_BYTES = 256 * 1024;

/** The journal of one session on its way to the sink. */
export class JournalKeeper {
  readonly #session: SessionHandle;
  readonly #journal: SessionJournal;
  readonly #sink: JournalSink;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** Answers to refused requests, which leave no trace in the history. */
  readonly #untold = new WeakSet<Uint8Array>();
  #state: 'idle' | 'writing' | 'failed' = 'idle';

  constructor(
    session: SessionHandle,
    options: JournalOptions & { readonly atMs: number },
    host: { readonly sink: JournalSink; readonly clock: Clock; readonly logger: Logger },
  ) {
    this.#session = session;
    this.#journal = new SessionJournal(options, options.atMs);
    this.#sink = host.sink;
    this.#clock = host.clock;
    this.#logger = host.logger;
    this.#writeSoon();
  }

  get record(): JournalRecord {
    return this.#journal.record;
  }

  event(atMs: number, event: LivingEvent, facts?: Readonly<Record<string, string>>): void {
    this.#journal.event(atMs, event, facts);
    this.#writeSoon();
  }

  message(
    direction: 'in' | 'out',
    capability: string,
    spec: Pick<MessageSpec, 'id' | 'name' | 'kind'>,
    payload: Uint8Array,
  ): void {
    if (this.#state === 'failed' || this.#untold.has(payload)) return;
    this.#journal.message(this.#clock.wallMs(), direction, capability, spec, payload);
    this.#writeSoon();
  }

  /** This payload is going to leave, and is not to be told of. */
  leaveOut(payload: Uint8Array): void {
    this.#untold.add(payload);
  }

  end(cause: CloseCause): void {
    this.#journal.end(cause.atMs, cause);
    this.#writeSoon();
  }

  #writeSoon(): void {
    if (this.#state !== 'idle' || this.#journal.gauge.items === 0) return;
    this.#state = 'writing';
    this.#clock.soon(() => void this.#write());
  }

  async #write(): Promise<void> {
    try {
      for (let piece = this.#take(); piece.length > 0; piece = this.#take())
        await this.#sink.write(this.#session, piece);
      this.#state = 'idle';
    } catch (error) {
      this.#state = 'failed';
      const fields = { event: 'session.journal', session: this.#session.id, cause: textOf(error) };
      this.#logger.error(fields, 'the journal cannot be written any more');
    }
  }

  #take(): readonly JournalEntry[] {
    return this.#journal.take(PIECE_BYTES);
  }
}

/** The same sink; what leaves by it is written down where there is a journal. */
export function journaledSink(
  sink: MessageSink,
  protocol: EthTable,
  journal: JournalKeeper | undefined,
): MessageSink {
  if (journal === undefined) return sink;
  const tell = (capability: string, id: number, payload: Uint8Array): void => {
    const spec = protocol.byId[id];
    if (capability === 'eth' && spec !== undefined)
      journal.message('out', `eth/${protocol.version}`, spec, payload);
  };
  return {
    send(capability, id, payload) {
      const goesOn = sink.send(capability, id, payload);
      tell(capability.name, id, payload);
      return goesOn;
    },
    sendPacked(capability, message) {
      const goesOn = sink.sendPacked(capability, message);
      tell(capability.name, message.id, message.plain);
      return goesOn;
    },
  };
}
