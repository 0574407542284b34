import type { RlpxCrypto } from '../crypto/index.js';
import type { Capability } from '../rlpx/index.js';
import type { Clock, Logger } from '../runtime/index.js';
import type { CloseCause } from './close-cause.js';
import { type Deferred, deferred } from './deferred.js';
import type { EthTable } from './eth-table.js';
import { callForeign, textOf } from './foreign-code.js';
import type { SessionHandle } from './handle.js';
import { type JournaledMessage, type JournalRecord, SessionJournal } from './journal.js';
import type { JournalEntry } from './journal-entry.js';
import { JournalRoom } from './journal-room.js';
import type { MessageSink } from './outgoing.js';
import type { LiveState, LivingEvent } from './state.js';
import type { SessionSettings } from './templates.js';

/**
 * Takes the journals of the sessions whose template has `messageLogging`, in pieces and in order: a file, a database, a
 * list. Written behind: while a promise of it is open, entries wait, up to 4 MiB per session (32 MiB where messages are
 * kept whole) and 64 MiB in all; beyond that messages are left out, and their number is written down. A `write` that fails
 * is logged, and that session's journal gets nothing more.
 */
export interface JournalSink {
  /** @param lines the same entries as lines of JSON, each with its line feed */
  write(session: SessionHandle, entries: readonly JournalEntry[], lines: string): void | Promise<void>;
  /** Asked once for each such session, when its peer is known or it ends before: false leaves it without a journal. */
  wants?(session: SessionHandle): boolean;
  /** What one session may give it in all, in bytes of lines; beyond it messages are left out. */
  readonly maxSessionBytes?: number;
  /**
   * Whether there is room for one more message; the lives of sessions are written all the same.
   * @param waitingBytes lines of all journals that wait to be written, with that message
   */
  hasRoom?(waitingBytes: number): boolean;
}

/** Bytes of lines that are handed over at once. */
const PIECE_BYTES = 256 * 1024;

export interface JournalDeskOptions {
  readonly sink: JournalSink;
  readonly clock: Clock;
  readonly crypto: Pick<RlpxCrypto, 'keccak256'>;
  readonly logger: Logger;
}

/** All journals of one manager: who has one, how much of them waits, and when all is written. */
export class JournalDesk {
  readonly #options: JournalDeskOptions;
  readonly #room: JournalRoom;
  #writing = 0;
  #written: Deferred<void> | undefined;
  /** What the sink has failed in: told once each, for it may be asked at every message. */
  readonly #failedIn = new Set<string>();

  constructor(options: JournalDeskOptions) {
    this.#options = options;
    const { sink } = options;
    this.#room = new JournalRoom(undefined, (waitingBytes) =>
      this.#ask('hasRoom', () => sink.hasRoom?.(waitingBytes) ?? true),
    );
  }

  /** @returns undefined where nothing is to be written down of the session */
  open(
    session: SessionHandle,
    { messageLogging, ambientLogging }: SessionSettings,
    atMs: number,
  ): JournalKeeper | undefined {
    const { sink, clock, crypto, logger } = this.#options;
    if (messageLogging === 'off' || !this.#ask('wants', () => sink.wants?.(session) ?? true))
      return undefined;
    const { maxSessionBytes } = sink;
    const journal = new SessionJournal(
      {
        session: session.id,
        direction: session.direction,
        keccak256: (...parts) => crypto.keccak256(...parts),
        whole: messageLogging === 'whole',
        ambient: ambientLogging,
        room: this.#room,
        ...(maxSessionBytes === undefined ? {} : { maxTotalBytes: maxSessionBytes }),
      },
      atMs,
    );
    const begins = (): void => void this.#writing++;
    return new JournalKeeper(session, journal, {
      ...{ sink, clock, logger, room: this.#room, begins },
      pauses: () => this.#pauses(),
    });
  }

  /** Resolves when nothing waits to be written, or is being written. */
  written(): Promise<void> {
    if (this.#writing === 0) return Promise.resolve();
    this.#written ??= deferred();
    return this.#written.promise;
  }

  #pauses(): void {
    this.#writing--;
    if (this.#writing > 0) return;
    this.#written?.resolve();
    this.#written = undefined;
  }

  #ask(what: 'hasRoom' | 'wants', question: () => boolean): boolean {
    let answer = false;
    const failed = (error: unknown): void => {
      if (this.#failedIn.has(what)) return;
      this.#failedIn.add(what);
      const fields = { event: 'session.journal', cause: textOf(error) };
      this.#options.logger.error(fields, `who keeps the journals fails when asked ${what}`);
    };
    callForeign(() => {
      answer = question();
    }, failed);
    return answer;
  }
}

interface KeeperHost {
  readonly sink: JournalSink;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly room: JournalRoom;
  readonly begins: () => void;
  readonly pauses: () => void;
}

/** A message of which it is not known yet whether it is accepted; one of the two is called. */
export interface HeldMessage {
  accepted(): void;
  refused(): void;
}

type Spoken = Pick<Capability, 'name' | 'version'>;

function nameOf({ name, version }: Spoken): string {
  return `${name}/${version}`;
}

function besideSpec(id: number): JournaledMessage {
  return { id, name: `message ${id}`, kind: undefined };
}

/** The journal of one session on its way to the sink. */
export class JournalKeeper {
  readonly #session: SessionHandle;
  readonly #journal: SessionJournal;
  readonly #host: KeeperHost;
  /** Answers to refused requests, which leave no trace in the history. */
  readonly #untold = new WeakSet<Uint8Array>();
  #state: 'idle' | 'writing' | 'failed' = 'idle';
  #held: (() => void) | undefined;

  constructor(session: SessionHandle, journal: SessionJournal, host: KeeperHost) {
    this.#session = session;
    this.#journal = journal;
    this.#host = host;
    this.#writeSoon();
  }

  get record(): JournalRecord {
    return { ...this.#journal.record, failed: this.#state === 'failed' };
  }

  event(atMs: number, event: LivingEvent, state: LiveState, facts?: Readonly<Record<string, string>>): void {
    this.#settle();
    if (this.#state === 'failed') return;
    this.#journal.event(atMs, event, state, facts);
    this.#writeSoon();
  }

  /** @param capability `eth/69` */
  message(direction: 'in' | 'out', capability: string, spec: JournaledMessage, payload: Uint8Array): void {
    this.#settle();
    if (this.#state === 'failed' || this.#untold.has(payload)) return;
    this.#journal.message(this.#host.clock.wallMs(), direction, capability, spec, payload);
    this.#writeSoon();
  }

  /** A message of a protocol beside eth has left. */
  saidBeside(capability: Spoken, id: number, payload: Uint8Array): void {
    this.message('out', nameOf(capability), besideSpec(id), payload);
  }

  /**
   * A message of a protocol beside eth came. Whether it is accepted only its handler can say: until then it is held, before
   * anything that the handler does is written down.
   */
  heardBeside(capability: Spoken, id: number, payload: Uint8Array): HeldMessage {
    this.#settle();
    const copy = payload.slice(); // the handler may do with it what it likes
    const atMs = this.#host.clock.wallMs();
    const held = (): void => {
      if (this.#state === 'failed') return;
      this.#journal.message(atMs, 'in', nameOf(capability), besideSpec(id), copy);
      this.#writeSoon();
    };
    this.#held = held;
    return {
      accepted: () => {
        if (this.#held === held) this.#settle();
      },
      refused: () => {
        if (this.#held === held) this.#held = undefined;
      },
    };
  }

  /** This payload is going to leave, and is not to be told of. */
  leaveOut(payload: Uint8Array): void {
    this.#untold.add(payload);
  }

  end(cause: CloseCause): void {
    this.#settle();
    if (this.#state === 'failed') return;
    this.#journal.end(cause.atMs, cause);
    this.#writeSoon();
  }

  #settle(): void {
    const held = this.#held;
    this.#held = undefined;
    held?.();
  }

  #writeSoon(): void {
    if (this.#state !== 'idle' || this.#journal.gauge.items === 0) return;
    this.#state = 'writing';
    this.#host.begins();
    this.#host.clock.soon(() => void this.#write());
  }

  async #write(): Promise<void> {
    const { sink, room } = this.#host;
    try {
      while (this.#journal.gauge.items > 0) {
        const { entries, text, bytes } = this.#journal.takeLines(PIECE_BYTES);
        try {
          await sink.write(this.#session, entries, text);
        } finally {
          room.free(bytes);
        }
      }
      this.#state = 'idle';
    } catch (error) {
      this.#fail(error);
    }
    this.#host.pauses();
  }

  #fail(error: unknown): void {
    this.#state = 'failed';
    this.#journal.take(); // for nobody: what is missing before it cannot be filled in
    const fields = { event: 'session.journal', session: this.#session.id, cause: textOf(error) };
    this.#host.logger.error(fields, 'the journal cannot be written any more');
  }
}

/** The same sink; what leaves by it is written down where there is a journal. */
export function journaledSink(
  sink: MessageSink,
  protocol: EthTable,
  journal: JournalKeeper | undefined,
): MessageSink {
  if (journal === undefined) return sink;
  const tell = (capability: Spoken, id: number, payload: Uint8Array): void => {
    const spec = capability.name === 'eth' ? protocol.byId[id] : undefined;
    if (capability.name !== 'eth') journal.saidBeside(capability, id, payload);
    else if (spec !== undefined) journal.message('out', `eth/${protocol.version}`, spec, payload);
  };
  return {
    send(capability, id, payload) {
      const goesOn = sink.send(capability, id, payload);
      tell(capability, id, payload);
      return goesOn;
    },
    sendPacked(capability, message) {
      const goesOn = sink.sendPacked(capability, message);
      tell(capability, message.id, message.plain);
      return goesOn;
    },
  };
}
