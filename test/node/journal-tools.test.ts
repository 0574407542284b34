import { beforeAll, describe, expect, test } from 'vitest';
import { chooseCrypto } from '../../src/crypto/index.js';
import {
  ConfigError,
  createNode,
  explainSession,
  JournalError,
  type NodeOptions,
  type RlpxdNode,
  replayJournalFile,
  showJournalFile,
  verifyJournalFile,
} from '../../src/node/index.js';
import { entryWords, utcText } from '../../src/node/journal-words.js';
import { SimulatedFiles, type SimulatedWorld, simulatedWorld } from '../../src/runtime/index.js';
import type { JournalEntry } from '../../src/session/index.js';
import { demo, Internet, settled } from '../support/node-worlds.js';

const crypto = chooseCrypto();
const FILE = '/journal/000001-s00000001.jsonl';
const encoder = new TextEncoder();

/** The journal of a real session, and what is said of others in its place. */
class Desk {
  readonly files = new SimulatedFiles();
  readonly options = { world: { files: this.files }, crypto };

  async verify(bytes: Uint8Array | string): ReturnType<typeof verifyJournalFile> {
    await this.files.writeWhole('/f', typeof bytes === 'string' ? encoder.encode(bytes) : bytes);
    return verifyJournalFile('/f', this.options);
  }

  async replay(text: string): ReturnType<typeof replayJournalFile> {
    await this.files.writeWhole('/f', encoder.encode(text));
    return replayJournalFile('/f', this.options);
  }
}

let journal: Uint8Array;
let lines: readonly string[];

beforeAll(async () => {
  const internet = new Internet();
  const worlds = [internet.world(), internet.world()] as const;
  const start = (world: SimulatedWorld, more: NodeOptions = {}): Promise<RlpxdNode> =>
    createNode({ world, crypto, chain: demo.genesis(), listen: { host: '0.0.0.0', port: 30_303 }, ...more });
  const a = await start(worlds[0], { journal: { dir: '/journal' } });
  const b = await start(worlds[1]);
  const session = await settled(
    internet.clock,
    a.dial(`enode://${b.identity.publicKey}@${worlds[1].host}:30303`).active,
  );
  const query = { origin: 0n, amount: 1n, skip: 0n, reverse: false };
  await settled(internet.clock, session.eth.getBlockHeaders(query));
  await settled(internet.clock, Promise.all([a.close(), b.close()]));
  journal = await worlds[0].files.read(FILE);
  lines = new TextDecoder().decode(journal).trimEnd().split('\n');
});

const textOf = (some: readonly string[]): string => some.map((line) => `${line}\n`).join('');

describe('a journal file that is read again', () => {
  test('000.5: is sound as it was written', async () => {
    const check = await new Desk().verify(journal);
    expect(check).toMatchObject({ sound: true, records: lines.length, missed: 0 });
    expect(Object.keys(check.heads ?? {})).toEqual(['life', 'in', 'out', 'ambient-in', 'ambient-out']);
  });

  test('000.5: every record that is dropped, doubled or swapped is found, with its number', async () => {
    const desk = new Desk();
    for (let at = 0; at < lines.length; at++) {
      const line = lines[at] ?? '';
      expect(await desk.verify(textOf(lines.toSpliced(at, 1))), `without ${at}`).toMatchObject({
        sound: false,
        at,
      });
      expect(await desk.verify(textOf(lines.toSpliced(at, 0, line))), `${at} twice`).toMatchObject({
        sound: false,
        at: at + 1,
      });
      const next = lines[at + 1];
      if (next === undefined) continue;
      const swapped = lines.with(at, next).with(at + 1, line);
      expect(await desk.verify(textOf(swapped)), `${at} and the next swapped`).toMatchObject({
        sound: false,
        at,
      });
    }
  });

  test('000.5: every flipped byte is found, or the file is refused as no journal at all', async () => {
    const desk = new Desk();
    let record = 0;
    for (let at = 0; at < journal.length; at++) {
      const byte = journal[at] ?? 0;
      const check = await desk
        .verify(journal.with(at, byte ^ (1 << (at % 8))))
        .catch((error: unknown) => error);
      const said = check instanceof JournalError ? 0 : (check as { at?: number }).at;
      if (said === undefined || said > record)
        expect.fail(`byte ${at}, record ${record}: ${JSON.stringify(check)}`);
      if (byte === 0x0a) record++;
    }
  });

  test('000.5: every truncation is found, at the record that it cut or that should follow', async () => {
    const desk = new Desk();
    let record = 0;
    for (let length = 1; length < journal.length; length++) {
      if (journal[length - 1] === 0x0a) record++;
      const check = await desk.verify(journal.subarray(0, length)).catch((error: unknown) => error);
      if (length < 7) expect(check).toBeInstanceOf(JournalError);
      else expect(check, `${length} bytes`).toMatchObject({ sound: false, at: record, records: record });
    }
  });

  test('000.5: a first record that is damaged is named, as long as the next one is one', async () => {
    const desk = new Desk();
    const damaged = textOf(lines.with(0, 'rubbish'));
    expect(await desk.verify(damaged)).toMatchObject({ sound: false, at: 0 });
  });

  test('004.7: comes to the same states and the same end, or says where it differs', async () => {
    const desk = new Desk();
    const replay = await desk.replay(textOf(lines));
    expect(replay).toMatchObject({
      arrived: true,
      states: [
        ...[
          'requested',
          'connecting',
          'authenticating',
          'greeting',
          'verifying',
          'active',
          'draining',
          'closed',
        ],
      ],
      cause: { outcome: 'closed', by: 'local', reasonSent: 8 },
      messagesIn: 2,
      messagesOut: 2,
      openRequests: { in: 0, out: 0 },
    });
    const asked = lines.findIndex((line) => line.includes('"GetBlockHeaders"'));
    expect(await desk.replay(textOf(lines.toSpliced(asked, 1)))).toMatchObject({
      arrived: false,
      at: asked,
      says: expect.stringContaining('answers nothing that was asked'),
    });
    const cut = await desk.replay(textOf(lines.slice(0, -1)));
    expect(cut).toMatchObject({ arrived: false, at: lines.length - 1 });
    expect(cut.states.at(-1)).toBe('draining');
    expect(cut.cause).toBeUndefined();
    const other = lines.with(-1, (lines.at(-1) ?? '').replace('"reasonSent":8', '"reasonSent":4'));
    expect(await desk.replay(textOf(other))).toMatchObject({
      arrived: false,
      at: lines.length - 1,
      says: expect.stringContaining('reason of the end'),
    });
  });

  test('is shown record by record, as far as it can be read', async () => {
    const desk = new Desk();
    await desk.files.writeWhole('/f', encoder.encode(textOf(lines.slice(0, -1))));
    const { records, check, began } = await showJournalFile('/f', desk.options);
    expect(check.sound).toBe(false);
    expect(began).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
    expect(records.map(({ seq }) => seq)).toEqual(lines.slice(0, -1).map((_, at) => at));
    expect(records[0]).toMatchObject({ afterMs: 0, says: expect.stringMatching(/^session s1, dialed/) });
    expect(records.map(({ says }) => says).join('\n')).toMatch(
      /out eth\/72 GetBlockHeaders, request \d+, \d+ bytes/,
    );
  });

  test('explains how its session ended', async () => {
    const world = simulatedWorld({ seed: 1 });
    const explain = async (text: string): ReturnType<typeof explainSession> => {
      await world.files.writeWhole('/f', encoder.encode(text));
      return explainSession('/f', { datadir: '/none', world });
    };
    const whole = await explain(textOf(lines));
    expect(whole.says).toBe('closed while draining by us, client quitting: we shut down');
    expect(whole.session).toMatchObject({ id: 's1', direction: 'outbound', cause: { outcome: 'closed' } });
    const cut = await explain(textOf(lines.slice(0, 4)));
    expect(cut.says).toMatch(
      /^how it ended is not in this journal \(.*the session lives, or the journal was cut/,
    );
    await expect(explain('{"a":1}')).rejects.toMatchObject({ code: 'ERR_CONFIG_FILE' });
  });
});

describe('what is no journal is refused with a word', () => {
  test.each([
    ['', /is empty/],
    ['\n', /is no journal/],
    ['hello\nworld\n', /is no journal/],
    ['{}\n', /is no journal/],
    ['{"seq', /is no journal/],
    ['\u0000\u0001', /is no journal/],
  ])('%j', async (text, says) => {
    const desk = new Desk();
    await expect(desk.verify(text)).rejects.toThrow(says);
    await expect(desk.verify(text)).rejects.toBeInstanceOf(JournalError);
  });

  test('another version is named', async () => {
    const other = textOf(lines.with(0, (lines[0] ?? '').replace('"version":1', '"version":2')));
    await expect(new Desk().verify(other)).rejects.toThrow(/is of version 2, and version 1 is read here/);
  });

  test('nothing there, a folder, and what is too large', async () => {
    const { files, options } = new Desk();
    await files.makeDirectory('/folder');
    for (const [path, says] of [
      ['/nothing', /does not exist/],
      ['/folder', /is a folder/],
    ] as const) {
      const verified = verifyJournalFile(path, options);
      await expect(verified).rejects.toThrow(says);
      await expect(verified).rejects.toBeInstanceOf(ConfigError);
    }
    const huge = { ...files, stat: async () => ({ bytes: 2 ** 40, mode: 0o600, directory: false }) };
    const verified = verifyJournalFile('/huge', {
      crypto,
      world: { files: huge as unknown as SimulatedFiles },
    });
    await expect(verified).rejects.toThrow(/more than \d+ bytes/);
  });

  test.runIf(process.platform === 'linux')(
    'reads no more of what has no end than a journal may have',
    async () => {
      await expect(verifyJournalFile('/dev/zero', { crypto })).rejects.toThrow(
        /^journal file \/dev\/zero: more than \d+ bytes/,
      );
    },
  );
});

describe('words for records', () => {
  const base = { seq: 1, atMs: 0, link: '0'.repeat(64) } as const;

  test.each<[JournalEntry, string]>([
    [{ ...base, chain: 'life', kind: 'gap', missed: 3 }, '3 messages were left out here, for want of room'],
    [
      { ...base, chain: 'life', kind: 'event', event: 'greeted', state: 'verifying', facts: { client: 'x' } },
      'both Hellos are through (client x)',
    ],
    [
      {
        ...{
          ...base,
          chain: 'ambient-in',
          kind: 'message',
          capability: 'eth/69',
          id: 2,
          name: 'Transactions',
        },
        ...{ bytes: 9, hash: 'ab'.repeat(32) },
      },
      'in  eth/69 Transactions, said unasked, 9 bytes, keccak abababababababab',
    ],
    [
      { ...base, chain: 'life', kind: 'end', cause: {}, heads: {} } as unknown as JournalEntry,
      'it ends, and how cannot be read',
    ],
  ])('$kind', (entry, says) => expect(entryWords(entry)).toBe(says));

  test('a time that is none is a number', () => {
    expect(utcText(1_700_000_000_000)).toBe('2023-11-14 22:13:20 UTC');
    expect(utcText(1e300)).toBe('1e+300');
  });
});
