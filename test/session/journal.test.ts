import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chooseCrypto } from '../../src/crypto/index.js';
import { type EthMessage, type EthVersion, ethProtocol, type MessageSpec } from '../../src/eth/index.js';
import type { CloseCause } from '../../src/session/index.js';
import { type JournalOptions, SessionJournal } from '../../src/session/journal.js';
import {
  type JournalEntry,
  type JournalFacts,
  type Keccak,
  linkOf,
} from '../../src/session/journal-entry.js';
import { decodeJournal, encodeJournal, verifyJournal } from '../../src/session/journal-read.js';
import { replayJournal } from '../../src/session/journal-replay.js';
import { JournalRoom } from '../../src/session/journal-room.js';
import {
  isTerminal,
  isTransitionError,
  type LivingEvent,
  next,
  type SessionState,
} from '../../src/session/state.js';
import { hash, range, statusOf } from '../support/session-values.js';

const crypto = chooseCrypto();
const keccak256: Keccak = (...parts) => crypto.keccak256(...parts);
const ETH = 'eth/69';
const T0 = 1_700_000_000_000;

const cause: CloseCause = {
  outcome: 'closed',
  by: 'local',
  stage: 'active',
  reason: 0,
  reasonSent: 0,
  says: 'we asked for it',
  atMs: T0 + 99,
  epoch: 1,
  counters: { bytesIn: 10, bytesOut: 20, messagesIn: 3, messagesOut: 4 },
};

function said(message: EthMessage, version: EthVersion = 69): { spec: MessageSpec; payload: Uint8Array } {
  const spec = ethProtocol(version).byName.get(message.name);
  if (spec === undefined) throw new Error(message.name);
  return { spec, payload: spec.encode(message) };
}

const STATUS: EthMessage = { name: 'Status', status: statusOf(69) };
const ask = (requestId: bigint): EthMessage => ({ name: 'GetBlockBodies', requestId, hashes: [hash(1)] });
const answer = (requestId: bigint): EthMessage => ({ name: 'BlockBodies', requestId, bodies: [] });
const news: EthMessage = { name: 'BlockRangeUpdate', ...range(0n, 700n) };

class Writer {
  readonly journal: SessionJournal;
  #atMs = T0;
  #state: SessionState = 'requested';

  constructor(options: Partial<JournalOptions> = {}) {
    this.journal = new SessionJournal({ session: 's1', direction: 'outbound', keccak256, ...options }, T0);
  }

  say(direction: 'in' | 'out', message: EthMessage): this {
    const { spec, payload } = said(message);
    this.journal.message(++this.#atMs, direction, ETH, spec, payload);
    return this;
  }

  event(event: LivingEvent, facts?: Readonly<Record<string, string>>): this {
    const reached = next(this.#state, event);
    if (isTransitionError(reached) || isTerminal(reached)) throw new Error(event);
    this.#state = reached;
    this.journal.event(++this.#atMs, event, reached, facts);
    return this;
  }

  begin(): this {
    this.event('connect')
      .event('begin')
      .event('authenticated')
      .event('greeted', { client: '\u{1f980}\u001b' });
    return this.say('out', STATUS).say('in', STATUS).event('verified', { peer: 'ab' });
  }

  end(changes: Partial<CloseCause> = {}): this {
    this.journal.end(++this.#atMs, { ...cause, ...changes });
    return this;
  }
}

function history(options: Partial<JournalOptions> = {}): readonly JournalEntry[] {
  return new Writer(options)
    .begin()
    .say('out', ask(1n))
    .say('in', ask(1n))
    .say('in', news)
    .say('in', answer(1n))
    .say('out', answer(1n))
    .end()
    .journal.take();
}

/** What someone could do who has the file: the links are made anew from an entry on, as far as they can be. */
const kinds = (entries: readonly JournalEntry[]): string[] =>
  entries.map((entry) =>
    entry.kind === 'message'
      ? `${entry.chain} ${entry.name}`
      : entry.kind === 'event'
        ? entry.event
        : entry.kind,
  );

describe('the journal of a session', () => {
  test('000.5: each direction is a chain of its own, which ends where the end says', () => {
    const entries = history();
    expect(kinds(entries)).toEqual([
      ...['open', 'connect', 'begin', 'authenticated', 'greeted', 'out Status', 'in Status', 'verified'],
      ...['out GetBlockBodies', 'in GetBlockBodies', 'in BlockBodies', 'out BlockBodies', 'end'],
    ]);
    const verdict = verifyJournal(entries, keccak256);
    expect(verdict).toMatchObject({ intact: true, entries: 13, complete: true, missed: 0 });
    const lastIn = entries.findLast(({ chain }) => chain === 'in');
    expect(verdict).toMatchObject({ heads: { in: lastIn?.link } });
    const asked = entries.find((entry) => entry.kind === 'message' && entry.name === 'GetBlockBodies');
    const { payload } = said(ask(1n));
    expect(asked).toMatchObject({
      requestId: '1',
      bytes: payload.length,
      hash: Buffer.from(keccak256(payload)).toString('hex'),
    });
  });

  test('000.5: a literal link: keccak over the link before and the line of the entry', () => {
    const [open] = new Writer().journal.take();
    expect(open).toEqual({
      seq: 0,
      chain: 'life',
      atMs: T0,
      kind: 'open',
      version: 1,
      session: 's1',
      direction: 'outbound',
      whole: false,
      link: Buffer.from(
        keccak256(
          keccak256(new TextEncoder().encode('rlpxd journal 1 life')),
          new TextEncoder().encode(
            `{"seq":0,"chain":"life","atMs":${T0},"kind":"open","version":1,"session":"s1","direction":"outbound","whole":false}`,
          ),
        ),
      ).toString('hex'),
    });
  });

  test('004.4: what is said unasked stays out unless asked for', () => {
    expect(kinds(history()).filter((kind) => kind.endsWith('BlockRangeUpdate'))).toEqual([]);
    expect(kinds(history({ ambient: true }))).toContain('ambient-in BlockRangeUpdate');
  });

  test('004.4: it has chains of its own: the durable history is the same messages with it and without', () => {
    const durable = (entries: readonly JournalEntry[]): string[] =>
      entries.flatMap((entry) =>
        entry.kind === 'message' && !entry.chain.startsWith('ambient')
          ? [`${entry.chain} ${entry.hash}`]
          : [],
      );
    const [without, both] = [history(), history({ ambient: true })];
    expect(durable(both)).toEqual(durable(without));
    const { heads } = verifyJournal(both, keccak256) as { heads: Record<string, string> };
    const last = both.findLast(({ chain }) => chain === 'ambient-in');
    expect(heads['ambient-in']).toBe(last?.link);
    expect(heads['ambient-out']).not.toBe(heads['ambient-in']);
    expect(replayJournal(both)).toMatchObject({ possible: true, messagesIn: 4 });
  });

  test('000.5: whole messages can be kept, and are what was hashed', () => {
    const entries = history({ whole: true });
    const status = entries.find((entry) => entry.kind === 'message');
    expect(status).toMatchObject({ payload: Buffer.from(said(STATUS).payload).toString('hex') });
    expect(verifyJournal(entries, keccak256)).toMatchObject({ intact: true });
  });

  test('000.5: every flipped, dropped, doubled or swapped entry is found, and where', () => {
    const entries = history();
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i];
      if (entry === undefined) continue;
      const changed = { ...entry, atMs: entry.atMs + 1 };
      expect(verifyJournal(entries.with(i, changed), keccak256)).toMatchObject({ intact: false, at: i });
      expect(verifyJournal(entries.toSpliced(i, 0, entry), keccak256)).toMatchObject({ intact: false });
      if (i + 1 < entries.length) {
        expect(verifyJournal(entries.toSpliced(i, 1), keccak256)).toMatchObject({ intact: false, at: i });
        const next = entries[i + 1] as JournalEntry;
        expect(verifyJournal(entries.with(i, next).with(i + 1, entry), keccak256)).toMatchObject({
          intact: false,
          at: i,
        });
      }
    }
    expect(verifyJournal([...entries, entries[0] as JournalEntry], keccak256)).toMatchObject({ at: 13 });
  });

  test('000.5: a journal that was cut is not complete, wherever the cut is', () => {
    const entries = history();
    for (let length = 1; length < entries.length; length++) {
      expect(verifyJournal(entries.slice(0, length), keccak256)).toMatchObject({
        intact: true,
        complete: false,
        entries: length,
      });
    }
  });

  test('000.5: nor does it help to make an entry’s own link anew', () => {
    const entries = history();
    const at = entries.findIndex((entry) => entry.kind === 'message' && entry.requestId === '1');
    const { link: _, ...facts } = entries[at] as JournalEntry & { kind: 'message' };
    const before = entries.slice(0, at).findLast(({ chain }) => chain === facts.chain)?.link ?? '';
    const forged: JournalFacts = { ...facts, requestId: '2' };
    const link = linkOf(before, forged, keccak256);
    const verdict = verifyJournal(entries.with(at, { ...forged, link } as JournalEntry), keccak256);
    expect(verdict).toMatchObject({ intact: false });
    expect(verdict).toSatisfy((found: { at: number }) => found.at > at);
  });

  const file = (options: Partial<JournalOptions> = {}): Uint8Array =>
    new TextEncoder().encode(encodeJournal(history({ whole: true, ambient: true, ...options })));

  /** @returns the number of the first record that is wrong, or that is missing; undefined where all is well */
  function wrongAt(bytes: Uint8Array): number | undefined {
    const { entries, torn, unreadableLine } = decodeJournal(bytes);
    const verdict = verifyJournal(entries, keccak256);
    if (!verdict.intact) return verdict.at;
    if (unreadableLine !== undefined) return unreadableLine - 1;
    return torn || !verdict.complete ? entries.length : undefined;
  }

  /** The journal of a dial that came to nothing. */
  const shortFile = (): Uint8Array =>
    new TextEncoder().encode(
      encodeJournal(
        new Writer().event('connect').end({ outcome: 'cancelled', stage: 'connecting' }).journal.take(),
      ),
    );

  /** Tries these bits of each byte. */
  function flip(bytes: Uint8Array, bits: (at: number) => readonly number[]): void {
    expect(wrongAt(bytes)).toBeUndefined();
    let record = 0;
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at] ?? 0;
      for (const bit of bits(at)) {
        bytes[at] = byte ^ (1 << bit);
        const found = wrongAt(bytes) ?? Number.POSITIVE_INFINITY;
        if (found > record) expect.fail(`bit ${bit} of byte ${at} in record ${record}: found at ${found}`);
      }
      bytes[at] = byte;
      if (byte === 0x0a) record++;
    }
    expect(wrongAt(bytes)).toBeUndefined();
  }

  test('000.5: any flipped bit in a file is found, and never behind its record', () => {
    flip(shortFile(), () => [0, 1, 2, 3, 4, 5, 6, 7]);
    flip(file(), (at) => [at % 8]);
  });

  test('000.5: any byte in the place of any other is found', () => {
    const bytes = file({ whole: false, ambient: false });
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const changed = bytes.with(at, ((bytes[at] ?? 0) + by) % 256);
        expect(wrongAt(changed)).toBeDefined();
      }),
      { numRuns: 500 },
    );
  });

  test('000.5: a byte too many or too few anywhere in the file is found', () => {
    const bytes = shortFile();
    for (let at = 0; at < bytes.length; at++) {
      const without = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + 1)]);
      expect(wrongAt(without), `without byte ${at}`).toBeDefined();
      const added = Uint8Array.from([...bytes.subarray(0, at), 0x20, ...bytes.subarray(at)]);
      expect(wrongAt(added), `with a space before byte ${at}`).toBeDefined();
    }
  });

  test('000.5: every truncation is found, at the record that it cut or that should follow', () => {
    const bytes = file();
    let record = 0;
    for (let length = 0; length < bytes.length; length++) {
      expect(wrongAt(bytes.subarray(0, length)), `${length} bytes`).toBe(record);
      if (bytes[length] === 0x0a) record++;
    }
  });

  test('000.5: a line that says the same in other letters is not a line of a journal', () => {
    const text = encodeJournal(history());
    const others = [
      text.replace('{"seq":0', '{ "seq":0'),
      text.replace('"seq":0', '"seq":-0'),
      text.replace('\\u001b', '\\u001B'),
      text.replace('"seq":0,"chain":"life"', '"chain":"life","seq":0'),
      text.replace(/^\{(.*),("link":"[0-9a-f]{64}")\}/, '{$2,$1}'),
      `\ufeff${text}`,
    ];
    for (const other of others) {
      expect(other).not.toBe(text);
      expect(wrongAt(new TextEncoder().encode(other))).toBeDefined();
    }
  });

  test('lines come back as they were; a torn tail is cut and said, rubbish in the middle is named', () => {
    const entries = history();
    const text = encodeJournal(entries);
    expect(decodeJournal(text)).toEqual({ entries, torn: false });
    expect(decodeJournal('')).toEqual({ entries: [], torn: false });
    for (const cut of [1, 5, 100]) {
      const torn = decodeJournal(text.slice(0, -cut));
      expect(torn).toEqual({ entries: entries.slice(0, -1), torn: true });
    }
    const lines = text.split('\n');
    for (const rubbish of [
      '',
      '{',
      'null',
      '[]',
      '{"seq":0}',
      '{"seq":1,"chain":"up","atMs":1,"kind":"gap"}',
    ]) {
      expect(decodeJournal(lines.with(3, rubbish).join('\n'))).toMatchObject({
        torn: false,
        unreadableLine: 4,
      });
    }
  });

  test('004.3: is bounded: what finds no room is counted and said, the life of the session never left out', () => {
    const writer = new Writer({ maxBytes: 3_000 }).begin();
    for (let i = 1n; i <= 20n; i++) writer.say('out', ask(i));
    const { bytes, missed } = writer.journal.gauge;
    expect(bytes).toBeLessThanOrEqual(3_000);
    expect(missed).toBeGreaterThan(10);
    const first = writer.journal.take();
    writer.say('out', ask(21n)).end();
    const entries = [...first, ...writer.journal.take()];
    expect(kinds(entries).slice(-3)).toEqual(['gap', 'out GetBlockBodies', 'end']);
    expect(verifyJournal(entries, keccak256)).toMatchObject({ intact: true, complete: true, missed });
    expect(writer.journal.gauge).toEqual({ items: 0, bytes: 0, missed });
  });

  test('a large message that is kept whole is not even hashed where it has no room', () => {
    const writer = new Writer({ maxBytes: 10_000, whole: true });
    let hashed = 0;
    const counting = new Writer({
      maxBytes: 10_000,
      whole: true,
      keccak256: (...parts) => {
        hashed += parts.reduce((sum, part) => sum + part.length, 0);
        return keccak256(...parts);
      },
    });
    const { spec } = said(answer(1n));
    for (const { journal } of [writer, counting])
      journal.message(T0, 'in', ETH, spec, new Uint8Array(1_000_000));
    expect(writer.journal.gauge).toMatchObject({ items: 1, missed: 1 });
    expect(hashed).toBeLessThan(1_000);
  });

  test('004.3: what one journal may have in all is bounded; its end is never left out', () => {
    const { journal } = new Writer({ maxTotalBytes: 4_000 }).begin();
    const text: string[] = [encodeJournal(journal.take())];
    for (let i = 1n; i <= 50n; i++) {
      const { spec, payload } = said(ask(i));
      journal.message(T0, 'out', ETH, spec, payload);
      text.push(encodeJournal(journal.take()));
    }
    expect(text.join('').length).toBeLessThanOrEqual(4_000);
    journal.end(T0, cause);
    const { entries } = decodeJournal(text.join('') + encodeJournal(journal.take()));
    expect(kinds(entries).slice(-2)).toEqual(['gap', 'end']);
    const verdict = verifyJournal(entries, keccak256);
    expect(verdict).toMatchObject({ intact: true, complete: true, missed: journal.gauge.missed });
    expect(journal.gauge.missed).toBeGreaterThan(30);
  });

  test('004.3: the end is never left out, whatever waits', () => {
    const writer = new Writer({ maxBytes: 0 }).begin();
    for (let i = 0; i < 1_000; i++) writer.event('pause').event('resume');
    writer.end();
    const entries = writer.journal.take();
    expect(kinds(entries).slice(-2)).toEqual(['gap', 'end']);
    expect(entries.length).toBeLessThan(600);
    expect(verifyJournal(entries, keccak256)).toMatchObject({ intact: true, complete: true });
  });

  test('journals share what may wait in memory, and give it back', () => {
    const room = new JournalRoom(6_000);
    const [one, other] = [new Writer({ room }), new Writer({ room })];
    for (let i = 1n; i <= 50n; i++) one.say('out', ask(i));
    other.say('out', ask(1n));
    expect(room.bytes).toBeLessThanOrEqual(6_000);
    expect(one.journal.gauge.missed).toBeGreaterThan(30);
    expect(other.journal.gauge.missed).toBe(1);
    one.journal.take();
    other.say('out', ask(2n));
    expect(kinds(other.journal.take()).slice(-2)).toEqual(['gap', 'out GetBlockBodies']);
    const held = one.say('out', ask(99n)).journal.takeLines();
    expect(room.bytes).toBe(held.bytes);
    expect(held.text).toBe(encodeJournal(held.entries));
    room.free(held.bytes);
    expect(room.bytes).toBe(0);
  });

  test('is taken in slices, oldest first, and takes nothing after its end', () => {
    const writer = new Writer().begin().end();
    const { items } = writer.journal.gauge;
    writer.say('in', STATUS).end();
    writer.journal.event(T0, 'pause', 'paused');
    expect(writer.journal.gauge.items).toBe(items);
    const taken: JournalEntry[] = [];
    for (let some = writer.journal.take(1); some.length > 0; some = writer.journal.take(1)) {
      expect(some).toHaveLength(1);
      taken.push(...some);
    }
    expect(taken.map(({ seq }) => seq)).toEqual(Array.from({ length: items }, (_, i) => i));
  });
});

describe('a journal, replayed', () => {
  test('004.7: yields the same states and the same end', () => {
    expect(replayJournal(history({ whole: true }))).toEqual({
      possible: true,
      states: [...['requested', 'connecting', 'authenticating', 'greeting', 'verifying', 'active', 'closed']],
      cause,
      messagesIn: 3,
      messagesOut: 3,
      openRequests: { in: 0, out: 0 },
    });
  });

  test('004.7: one that is still open has no end yet', () => {
    const entries = new Writer().begin().say('out', ask(1n)).say('in', ask(7n)).journal.take();
    expect(replayJournal(entries)).toMatchObject({
      possible: true,
      cause: undefined,
      openRequests: { in: 1, out: 1 },
    });
    expect(replayJournal([])).toMatchObject({ possible: true, states: [] });
  });

  const impossible: readonly [string, (writer: Writer) => Writer, RegExp][] = [
    ['an answer nobody asked for', (w) => w.begin().say('in', answer(1n)), /BlockBodies 1 answers nothing/],
    ['an answer of ours to nothing', (w) => w.begin().say('out', answer(1n)), /answers nothing/],
    [
      'a second answer',
      (w) => w.begin().say('out', ask(1n)).say('in', answer(1n)).say('in', answer(1n)),
      /answers nothing/,
    ],
    [
      'another answer than the request has',
      (w) => w.begin().say('out', ask(1n)).say('in', { name: 'BlockHeaders', requestId: 1n, headers: [] }),
      /BlockHeaders 1/,
    ],
    ['a request before Status', (w) => w.say('out', ask(1n)), /GetBlockBodies while requested/],
    ['Status before Hello', (w) => w.say('in', STATUS), /Status while requested/],
    ['a second Status', (w) => w.begin().say('in', STATUS), /Status while active/],
    ['another end than the state allows', (w) => w.begin().end({ outcome: 'cancelled' }), /leads to closed/],
    ['an end in another state', (w) => w.begin().end({ stage: 'paused' }), /says while paused/],
    [
      'an end that such an end is not',
      (w) => w.begin().end({ by: 'remote', reasonReceived: 4 }),
      /^reason of the end/,
    ],
    ['a reason from nowhere', (w) => w.begin().end({ reason: 5 }), /^reason of the end/],
  ];

  test.each(impossible)('004.7: %s is found', (_what, write, says) => {
    const outcome = replayJournal(write(new Writer({ whole: true })).journal.take());
    expect(outcome).toMatchObject({ possible: false, says: expect.stringMatching(says) });
  });

  test('004.7: events that the state does not accept, and entries without a beginning, are found', () => {
    const writer = new Writer();
    writer.journal.event(T0, 'greeted', 'verifying');
    expect(replayJournal(writer.journal.take())).toMatchObject({ possible: false, at: 1 });
    expect(replayJournal(history().slice(1))).toMatchObject({ possible: false, at: 0 });
    const entries = history();
    expect(replayJournal([...entries, ...entries])).toMatchObject({ possible: false, at: entries.length });
    const other = entries.map((entry) =>
      entry.kind === 'message' ? { ...entry, capability: 'eth/67' } : entry,
    );
    expect(replayJournal(other)).toMatchObject({ possible: false, says: expect.stringContaining('eth/67') });
  });

  test('004.7: a state that the engine would not have come to is found', () => {
    const at = history().findIndex((entry) => entry.kind === 'event' && entry.event === 'greeted');
    const entries = history().map((entry) =>
      entry.kind === 'event' && entry.event === 'greeted' ? { ...entry, state: 'active' as const } : entry,
    );
    expect(replayJournal(entries)).toMatchObject({
      possible: false,
      at,
      says: expect.stringMatching(/verifying.*active/),
    });
  });

  test('004.7: messages of other protocols are where the session is open, and only there', () => {
    const chat = { id: 3, name: 'message 3', kind: undefined };
    const open = new Writer().begin();
    open.journal.message(T0, 'in', 'chat/1', chat, Uint8Array.of(1));
    expect(replayJournal(open.end().journal.take())).toMatchObject({ possible: true, messagesIn: 2 });
    const early = new Writer();
    early.journal.message(T0, 'out', 'chat/1', chat, Uint8Array.of(1));
    expect(replayJournal(early.journal.take())).toMatchObject({ possible: false, at: 1 });
  });

  test('004.7: a message in a chain where it does not belong is found', () => {
    const moved = history({ ambient: true }).map((entry) =>
      entry.chain === 'ambient-in' ? ({ ...entry, chain: 'in' } as JournalEntry) : entry,
    );
    expect(replayJournal(moved)).toMatchObject({ possible: false, says: 'BlockRangeUpdate in the chain in' });
  });

  test('004.7: payloads that were kept are read again', () => {
    const entries = history({ whole: true }).map((entry) =>
      entry.kind === 'message' ? { ...entry, payload: 'c0' } : entry,
    );
    expect(replayJournal(entries)).toMatchObject({ possible: false, at: 5 });
  });
});
