import { describe, expect, test } from 'vitest';
import { chooseCrypto } from '../../src/crypto/index.js';
import type { JournalOptions, NodeOptions, RlpxdNode } from '../../src/index.js';
import { createNode, verifyJournalFile } from '../../src/node/index.js';
import { JournalFolder } from '../../src/node/journal-folder.js';
import { checkJournal } from '../../src/node/journal-options.js';
import { SimulatedFiles, type SimulatedWorld } from '../../src/runtime/index.js';
import {
  decodeJournal,
  type JournalEntry,
  type Session,
  type SessionHandle,
} from '../../src/session/index.js';
import { bytesOfJournals, journalFaults, journalNames } from '../support/node-journals.js';
import { demo, Internet, settled } from '../support/node-worlds.js';
import { recordingLogger } from '../support/session-values.js';

const DIR = '/journal';
const crypto = chooseCrypto();
const MiB = 1024 * 1024;

type World = SimulatedWorld & { readonly host: string };

interface Pair {
  readonly internet: Internet;
  readonly a: RlpxdNode;
  readonly b: RlpxdNode;
  readonly worlds: readonly [World, World];
  readonly failed: string[];
  /** A session that has asked something. */
  readonly talk: () => Promise<Session>;
}

/** Two nodes of which the first keeps journals. */
async function pair(
  journal: Partial<JournalOptions> = {},
  options: Omit<NodeOptions, 'world'> = {},
): Promise<Pair> {
  const internet = new Internet();
  const worlds = [internet.world(), internet.world()] as const;
  const a = await internet.node({ world: worlds[0], crypto, journal: { dir: DIR, ...journal }, ...options });
  const b = await internet.node({ world: worlds[1], crypto });
  const failed: string[] = [];
  a.on('journal.failed', ({ session, cause }) => failed.push(`${session.id} ${String(cause)}`));
  const talk = async (): Promise<Session> => {
    const session = await settled(internet.clock, a.dial(b.enode ?? '').active);
    await settled(internet.clock, ask(session));
    return session;
  };
  return { internet, a, b, worlds, failed, talk };
}

const ask = (session: Session): Promise<readonly Uint8Array[]> =>
  session.eth.getBlockHeaders({ origin: 0n, amount: 1n, skip: 0n, reverse: false });

async function end({ internet }: Pair, session: SessionHandle): Promise<void> {
  session.disconnect();
  await internet.clock.advance(3_000);
}

async function entriesOf(world: SimulatedWorld, name: string): Promise<readonly JournalEntry[]> {
  return decodeJournal(await world.files.read(`${DIR}/${name}`)).entries;
}

describe('journals of a node', () => {
  test('000.5: each session has a file, which is sound, is replayed to the same end, and is for its owner alone', async () => {
    const town = await pair();
    const [session] = [await town.talk()];
    const path = town.a.journal?.pathOf(session.id) ?? '';
    expect(path).toBe(`${DIR}/000001-s00000001.jsonl`);
    expect(await verifyJournalFile(path, { world: town.worlds[0], crypto })).toMatchObject({
      sound: false, // it lives
      at: 10,
      says: expect.stringContaining('the session lives, or the journal was cut'),
    });
    await end(town, session);
    await end(town, await town.talk());
    const { files } = town.worlds[0];
    expect(await journalNames(files, DIR)).toEqual(['000001-s00000001.jsonl', '000001-s00000002.jsonl']);
    expect(await journalFaults(files, DIR)).toEqual([]);
    expect((await files.stat(path))?.mode).toBe(0o600);
    expect((await files.stat(DIR))?.mode).toBe(0o700);
    expect(town.a.journal?.stats).toMatchObject({ files: 2, open: 0, removed: 0, failed: 0 });
    expect(town.a.journal?.stats.bytes).toBe(await bytesOfJournals(files, DIR));
    expect(town.worlds[1].files.list().some((name) => name.startsWith(DIR))).toBe(false);
    expect(town.failed).toEqual([]);
  });

  test('000.5: all is on the disk when the node has closed, and the next run has another number', async () => {
    const town = await pair();
    await town.talk();
    await settled(town.internet.clock, town.a.close());
    const { files } = town.worlds[0];
    expect(await journalFaults(files, DIR)).toEqual([]);
    const again = await town.internet.node({ world: town.worlds[0], crypto, journal: { dir: DIR } });
    await settled(town.internet.clock, again.dial(town.b.enode ?? '').active);
    await settled(town.internet.clock, again.close());
    expect(await journalNames(files, DIR)).toEqual(['000001-s00000001.jsonl', '000002-s00000001.jsonl']);
    expect(await journalFaults(files, DIR)).toEqual([]);
  });

  test('000.5: with a datadir the number is that of the run in the history of sessions', async () => {
    const town = await pair({}, { datadir: '/data', key: undefined });
    const session = await town.talk();
    await end(town, session);
    const summary = await town.a.history?.get('s1');
    expect(summary?.name).toBe('1-s1');
    await settled(town.internet.clock, town.a.close());
    await town.worlds[0].files.remove(DIR);
    const again = await town.internet.node({
      ...{ world: town.worlds[0], crypto, datadir: '/data', journal: { dir: DIR } },
    });
    expect(again.history?.run).toBe(2);
    expect(again.journal?.pathOf('s7')).toBe(`${DIR}/000002-s00000007.jsonl`);
  });

  test('whole messages and ambient ones are kept where they are asked for', async () => {
    const town = await pair({ what: 'whole', ambient: true }, { ethVersions: [69] });
    const session = await town.talk();
    const { latest: blocks } = town.a.store.range();
    session.eth.send({
      name: 'BlockRangeUpdate',
      earliest: 0n,
      latest: blocks,
      latestHash: town.a.status().hash,
    });
    await end(town, session);
    const entries = await entriesOf(town.worlds[0], '000001-s00000001.jsonl');
    const messages = entries.flatMap((entry) => (entry.kind === 'message' ? [entry] : []));
    expect(messages.map(({ chain, name }) => `${chain} ${name}`)).toEqual([
      ...[
        'out Status',
        'in Status',
        'out GetBlockHeaders',
        'in BlockHeaders',
        'ambient-out BlockRangeUpdate',
      ],
    ]);
    expect(messages.every(({ payload, bytes }) => payload?.length === 2 * bytes)).toBe(true);
    expect(await journalFaults(town.worlds[0].files, DIR)).toEqual([]);
  });

  test('which sessions have one is for the user to say: by a predicate, or by templates', async () => {
    const asked: string[] = [];
    const wants = ({ id, publicKey }: SessionHandle): boolean => {
      asked.push(`${id} ${publicKey?.length}`);
      if (id === 's3') throw new Error('no idea');
      return id === 's2';
    };
    const logger = recordingLogger();
    const town = await pair({ wants }, { logger });
    for (let i = 0; i < 3; i++) await end(town, await town.talk());
    expect(await journalNames(town.worlds[0].files, DIR)).toEqual(['000001-s00000002.jsonl']);
    expect(asked).toEqual(['s1 64', 's2 64', 's3 64']);
    expect(logger.lines.filter(({ message }) => message.includes('journals'))).toHaveLength(1);

    const templates = { static: { extends: 'static', settings: { messageLogging: 'off' } } } as const;
    const other = await pair({}, { templates });
    const { clock } = other.internet;
    const quiet = await settled(clock, other.a.dial(other.b.enode ?? '', { kind: 'static' }).active);
    await end(other, quiet);
    await end(other, await other.talk());
    expect(await journalNames(other.worlds[0].files, DIR)).toEqual(['000001-s00000002.jsonl']);

    const mine = { trusted: { extends: 'trusted', settings: { messageLogging: 'whole' } } } as const;
    const third = await pair({ what: 'off' }, { templates: mine });
    await end(third, await third.talk());
    const session = third.a.dial(third.b.enode ?? '', { kind: 'trusted' });
    await settled(third.internet.clock, session.active);
    await end(third, session);
    expect(await journalNames(third.worlds[0].files, DIR)).toEqual(['000001-s00000002.jsonl']);
  });

  test('who comes in and proves no key leaves nothing', async () => {
    const town = await pair();
    const { clock } = town.internet;
    const stranger = town.internet.world();
    const ended: string[] = [];
    town.a.on('session.ended', ({ cause }) => ended.push(cause.stage));
    for (let i = 0; i < 20; i++) {
      const connected = stranger.tcp.connect({ host: town.worlds[0].host, port: 30_303 });
      (await settled(clock, connected)).destroy();
      await clock.advance(100);
    }
    await clock.advance(20_000);
    expect(ended).toEqual(new Array(20).fill('authenticating'));
    expect(town.a.journal?.stats).toMatchObject({ files: 0, bytes: 0 });
  });
});

describe('journals of a node are bounded', () => {
  test('a thousand sessions that come and go leave so many files and no more', async () => {
    const town = await pair({ maxFiles: 50 });
    await end(town, await town.talk());
    const { clock } = town.internet;
    const publicKey = crypto.publicKey(new Uint8Array(32).fill(7));
    let most = 0;
    for (let i = 0; i < 1_000; i++) {
      const handle = town.a.sessions.dial({ host: '10.9.9.9', port: 1, publicKey });
      await settled(clock, handle.ended);
      most = Math.max(most, town.a.journal?.stats.files ?? 0);
    }
    await clock.advance(1_000);
    const { files } = town.worlds[0];
    const names = await journalNames(files, DIR);
    expect(most).toBeLessThanOrEqual(50);
    expect(names).toHaveLength(50);
    // the one that was active outlives all that came to nothing
    expect(names[0]).toBe('000001-s00000001.jsonl');
    expect(names.at(-1)).toBe('000001-s00001001.jsonl');
    expect(await journalFaults(files, DIR)).toEqual([]);
    expect(town.a.journal?.stats).toMatchObject({ files: 50, open: 0, removed: 951, failed: 0 });
    expect(town.a.journal?.stats.bytes).toBe(await bytesOfJournals(files, DIR));
  }, 30_000);

  test('bytes of all are bounded: the oldest that has ended makes way, one that lives never', async () => {
    const { folder, files, session } = await alone({ maxBytes: MiB, maxSessionBytes: MiB });
    const living = session('s1', true);
    await folder.write(living, [], 'a'.repeat(300_000));
    for (let i = 2; i <= 9; i++) await folder.write(session(`s${i}`, true), [endEntry], 'b'.repeat(200_000));
    expect(folder.stats).toMatchObject({ files: 4, open: 1, bytes: 900_000, removed: 5 });
    expect(await bytesOfJournals(files, DIR)).toBe(900_000);
    expect((await journalNames(files, DIR))[0]).toBe('000001-s00000001.jsonl');
    await folder.write(living, [endEntry], 'a'.repeat(700_000));
    expect(folder.stats).toMatchObject({ files: 1, open: 0, bytes: 1_000_000 });
    await folder.write(session('s10', true), [endEntry], 'c');
    expect(folder.stats).toMatchObject({ files: 2, bytes: 1_000_001 });
  });

  test('where only sessions that live fill it, messages find no room, and what comes all the same is refused', async () => {
    const { folder, failed, session } = await alone({ maxBytes: MiB, maxSessionBytes: MiB });
    for (let i = 0; i < 4; i++) await folder.write(session(`s${i}`, true), [], 'a'.repeat(225_000));
    expect(folder.hasRoom(0)).toBe(true);
    expect(folder.hasRoom(20_000)).toBe(false); // 7/8 are for messages
    const write = folder.write(session('s0', true), [], 'a'.repeat(200_000));
    await expect(write).rejects.toMatchObject({ code: 'ERR_NODE_JOURNAL_FULL' });
    expect(failed).toHaveLength(1);
    // its journal is over, and makes way
    await folder.write(session('s1', true), [], 'a'.repeat(200_000));
    expect(folder.stats).toMatchObject({ files: 3, open: 3, removed: 1, failed: 1, bytes: 875_000 });
  });

  test('the folder counts what is there from before, and leaves alone what is not its own', async () => {
    const files = new SimulatedFiles();
    await files.makeDirectory(DIR);
    for (const name of ['notes.txt', '12-s1.jsonl', '000007-s00000001.jsonl', '000009-s00000001.jsonl'])
      await files.writeWhole(`${DIR}/${name}`, new Uint8Array(400_000));
    await files.makeDirectory(`${DIR}/000010`);
    const { folder, session } = await alone({ maxBytes: MiB, maxSessionBytes: MiB }, files);
    expect(folder.stats).toMatchObject({ files: 2, bytes: 800_000 });
    await folder.write(session('s1', true), [endEntry], 'a'.repeat(300_000));
    expect(await files.names(DIR)).toEqual([
      ...['000009-s00000001.jsonl', '000010', '000010-s00000001.jsonl', '12-s1.jsonl', 'notes.txt'],
    ]);
  });

  test('one session has a bound of its own, beyond which its journal tells how much it lacks', async () => {
    const town = await pair({ maxSessionBytes: 4_000 });
    const session = await town.talk();
    for (let i = 0; i < 30; i++) await settled(town.internet.clock, ask(session));
    expect(session.describe().journal?.missed).toBeGreaterThan(30);
    await end(town, session);
    const { files } = town.worlds[0];
    expect(await bytesOfJournals(files, DIR)).toBeLessThan(6_000);
    const check = await verifyJournalFile(`${DIR}/000001-s00000001.jsonl`, { world: { files }, crypto });
    expect(check).toMatchObject({ sound: true, missed: session.describe().journal?.missed });
    expect(check.says).toContain('messages were left out for want of room');
    expect(await journalFaults(files, DIR)).toEqual([]);
  });
});

describe('a disk that fails costs journals and no session', () => {
  test('a disk that is full cuts the journals of those that write, says so, and is not the end', async () => {
    const logger = recordingLogger();
    const town = await pair({}, { logger });
    const { files } = town.worlds[0];
    const session = await town.talk();
    files.capacityBytes = files.usedBytes + 100;
    for (let i = 0; i < 5; i++) expect(await settled(town.internet.clock, ask(session))).toHaveLength(1);
    expect(town.failed).toEqual([expect.stringMatching(/^s1 .*ENOSPC/)]);
    const told = logger.lines.filter(({ fields }) => 'event' in fields && fields.event === 'session.journal');
    expect(told).toHaveLength(1);
    expect(session.describe().journal).toMatchObject({ failed: true });
    expect(session.state).toBe('active');
    files.capacityBytes = Number.POSITIVE_INFINITY;
    await settled(town.internet.clock, ask(session));
    await end(town, session);
    await end(town, await town.talk());
    const world = { files };
    const cut = await verifyJournalFile(`${DIR}/000001-s00000001.jsonl`, { world, crypto });
    expect(cut).toMatchObject({ sound: false, says: expect.stringContaining('torn') });
    expect(cut.at).toBe(cut.records);
    expect(await journalFaults(files, DIR, (name) => name.includes('s00000002'))).toEqual([]);
    expect(town.a.journal?.stats).toMatchObject({ files: 2, open: 0, failed: 1 });
  });

  test('a node starts on a full disk, and says of each session that its journal lacks', async () => {
    const internet = new Internet();
    const world = internet.world();
    world.files.capacityBytes = world.files.usedBytes;
    const node = await internet.node({ world, crypto, journal: { dir: DIR } });
    const failed: string[] = [];
    node.on('journal.failed', ({ session }) => failed.push(session.id));
    const other = await internet.node({ crypto });
    const session = await settled(internet.clock, node.dial(other.enode ?? '').active);
    await settled(internet.clock, ask(session));
    expect(failed).toEqual(['s1']);
    world.files.capacityBytes = Number.POSITIVE_INFINITY;
    session.disconnect();
    await internet.clock.advance(3_000);
    (await settled(internet.clock, node.dial(other.enode ?? '').active)).disconnect();
    await internet.clock.advance(3_000);
    const check = await verifyJournalFile(`${DIR}/000001-s00000002.jsonl`, { world, crypto });
    expect(check.sound).toBe(true);
    expect(failed).toEqual(['s1']);
  });

  test('a file that was taken away, or is there already, is not made anew', async () => {
    const town = await pair();
    const { files } = town.worlds[0];
    const session = await town.talk();
    await files.remove(`${DIR}/000001-s00000001.jsonl`);
    await settled(town.internet.clock, ask(session));
    await end(town, session);
    await files.writeWhole(`${DIR}/000001-s00000002.jsonl`, Uint8Array.of(1));
    await end(town, await town.talk());
    expect(town.failed).toEqual([expect.stringContaining('ENOENT'), expect.stringContaining('EEXIST')]);
    expect(await journalNames(files, DIR)).toEqual(['000001-s00000002.jsonl']);
    expect(await files.read(`${DIR}/000001-s00000002.jsonl`)).toEqual(Uint8Array.of(1));
  });

  test('a journal that cannot make way is still counted', async () => {
    const { folder, files, session } = await alone({ maxBytes: MiB, maxSessionBytes: MiB });
    await folder.write(session('s1', true), [endEntry], 'a'.repeat(600_000));
    const mend = files.fail('EACCES', { operation: 'remove' });
    await expect(folder.write(session('s2', true), [endEntry], 'b'.repeat(600_000))).rejects.toMatchObject({
      detail: 'EACCES',
    });
    expect(await bytesOfJournals(files, DIR)).toBe(600_000);
    mend();
    await folder.write(session('s3', true), [endEntry], 'c'.repeat(600_000));
    expect(await bytesOfJournals(files, DIR)).toBe(600_000);
    expect(await journalNames(files, DIR)).toEqual(['000001-s00000003.jsonl']);
  });

  test('where the node cannot write at its start it does not start, and leaves nothing open', async () => {
    const internet = new Internet();
    const world = internet.world();
    const start = (dir: string): Promise<RlpxdNode> =>
      createNode({ world, crypto, chain: demo.genesis(), journal: { dir } });
    await world.files.writeWhole('/file', Uint8Array.of(1));
    await expect(start('/file')).rejects.toMatchObject({ code: 'ERR_CONFIG_VALUE', field: 'journal' });
    world.files.fail('EROFS', { operation: 'makeDirectory' });
    await expect(start('/j')).rejects.toMatchObject({ code: 'ERR_RUNTIME_FILE', detail: 'EROFS' });
    const closed = internet.world();
    closed.files.fail('EACCES', { operation: 'write' });
    const filled = createNode({ world: closed, crypto, chain: demo.genesis(), journal: { dir: '/j' } });
    await expect(filled).rejects.toMatchObject({
      detail: 'EACCES',
      message: 'journal: nothing can be written into /j',
    });
    expect(internet.clock.pendingTimers).toBe(0);
  });
});

test.each([
  [{ dir: '' }, 'journal'],
  [{ dir: '/j', what: 'all' }, 'journal.what'],
  [{ dir: '/j', maxBytes: 1_000 }, 'journal.maxBytes'],
  [{ dir: '/j', maxFiles: 0 }, 'journal.maxFiles'],
  [{ dir: '/j', maxBytes: MiB, maxSessionBytes: 2 * MiB }, 'journal.maxSessionBytes'],
])('options that are none are refused by name: %j', (options, field) => {
  expect(() => checkJournal(options as JournalOptions)).toThrow(
    expect.objectContaining({ code: 'ERR_CONFIG_VALUE', field }),
  );
});

const endEntry = { kind: 'end' } as unknown as JournalEntry;

/** A folder without a node. */
async function alone(
  options: Omit<JournalOptions, 'dir'>,
  files: SimulatedFiles = new SimulatedFiles(),
): Promise<{
  readonly folder: JournalFolder;
  readonly files: SimulatedFiles;
  readonly failed: unknown[];
  readonly session: (id: string, wasActive: boolean) => SessionHandle;
}> {
  const config = checkJournal({ dir: DIR, ...options });
  if (config === undefined) throw new Error('no journal');
  const failed: unknown[] = [];
  const folder = new JournalFolder({ config, files, failed: (_session, cause) => failed.push(cause) });
  await folder.open();
  const session = (id: string, wasActive: boolean): SessionHandle =>
    ({ id, describe: () => (wasActive ? { activeAtMs: 1 } : {}) }) as unknown as SessionHandle;
  return { folder, files, failed, session };
}
