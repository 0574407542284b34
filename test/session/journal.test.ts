import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nodeCrypto } from '../../src/crypto/index.js';
import { type EthMessage, type EthVersion, ethProtocol, type MessageSpec } from '../../src/eth/index.js';
import type { CloseCause } from '../../src/session/index.js';
import {
  decodeJournal,
  encodeJournal,
  type JournalOptions,
  SessionJournal,
  verifyJournal,
} from '../../src/session/journal.js';
import { type JournalEntry, type JournalFacts, linkOf } from '../../src/session/journal-entry.js';
import { replayJournal } from '../../src/session/journal-replay.js';
import { hash, range, statusOf } from '../support/session-values.js';

const { keccak256 } = nodeCrypto();
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

  constructor(options: Partial<JournalOptions> = {}) {
    this.journal = new SessionJournal({ session: 's1', direction: 'outbound', keccak256, ...options }, T0);
  }

  say(direction: 'in' | 'out', message: EthMessage): this {
    const { spec, payload } = said(message);
    this.journal.message(++this.#atMs, direction, ETH, spec, payload);
    return this;
  }

  begin(): this {
    for (const event of ['connect', 'begin', 'authenticated', 'greeted'] as const)
      this.journal.event(++this.#atMs, event);
    this.say('out', STATUS).say('in', STATUS);
    this.journal.event(++this.#atMs, 'verified', { peer: 'ab' });
    return this;
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
      session: 's1',
      direction: 'outbound',
      whole: false,
      link: Buffer.from(
        keccak256(
          keccak256(new TextEncoder().encode('rlpxd journal 1 life')),
          new TextEncoder().encode(
            `{"seq":0,"chain":"life","atMs":${T0},"kind":"open","session":"s1","direction":"outbound","whole":false}`,
          ),
        ),
      ).toString('hex'),
    });
  });

  test('004.4: what is said unasked stays out unless asked for', () => {
    expect(kinds(history())).not.toContain('in BlockRangeUpdate');
    expect(kinds(history({ ambient: true }))).toContain('in BlockRangeUpdate');
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

  test('000.5: one flipped character anywhere in the file is found', () => {
    const text = encodeJournal(history({ whole: true }));
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.integer({ min: 1, max: 0x7e }), (at, by) => {
        const flipped = String.fromCharCode(((text.charCodeAt(at) + by) % 0x5f) + 0x20);
        if (flipped === text.charAt(at)) return;
        const found = decodeJournal(text.slice(0, at) + flipped + text.slice(at + 1));
        const verdict = verifyJournal(found.entries, keccak256);
        const sound = verdict.intact && verdict.complete && !found.torn && found.unreadableLine === undefined;
        expect(sound).toBe(false);
      }),
    );
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

  test('is taken in slices, oldest first, and takes nothing after its end', () => {
    const writer = new Writer().begin().end();
    const { items } = writer.journal.gauge;
    writer.say('in', STATUS).end();
    writer.journal.event(T0, 'pause');
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
    ['another end than the state allows', (w) => w.begin().end({ outcome: 'cancelled' }), /active/],
    ['an end in another state', (w) => w.begin().end({ stage: 'paused' }), /says while paused/],
  ];

  test.each(impossible)('004.7: %s is found', (_what, write, says) => {
    const outcome = replayJournal(write(new Writer({ whole: true })).journal.take());
    expect(outcome).toMatchObject({ possible: false, says: expect.stringMatching(says) });
  });

  test('004.7: events that the state does not accept, and entries without a beginning, are found', () => {
    const writer = new Writer();
    writer.journal.event(T0, 'greeted');
    expect(replayJournal(writer.journal.take())).toMatchObject({ possible: false, at: 1 });
    expect(replayJournal(history().slice(1))).toMatchObject({ possible: false, at: 0 });
    const entries = history();
    expect(replayJournal([...entries, ...entries])).toMatchObject({ possible: false, at: entries.length });
    const other = entries.map((entry) =>
      entry.kind === 'message' ? { ...entry, capability: 'eth/67' } : entry,
    );
    expect(replayJournal(other)).toMatchObject({ possible: false, says: expect.stringContaining('eth/67') });
  });

  test('004.7: payloads that were kept are read again', () => {
    const entries = history({ whole: true }).map((entry) =>
      entry.kind === 'message' ? { ...entry, payload: 'c0' } : entry,
    );
    expect(replayJournal(entries)).toMatchObject({ possible: false, at: 5 });
  });
});
