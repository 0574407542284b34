import { describe, expect, test } from 'vitest';
import { nodeCrypto } from '../../src/crypto/index.js';
import type { EthMessage } from '../../src/eth/index.js';
import {
  decodeJournal,
  encodeJournal,
  InvalidConfiguration,
  type JournalEntry,
  type JournalSink,
  replayJournal,
  type SessionManagerOptions,
  type SessionSettings,
  verifyJournal,
} from '../../src/session/index.js';
import { NOTHING_LEFT, type Node, Village } from '../support/session-nodes.js';
import { ScriptedPeer } from '../support/session-peer.js';
import { hash, range, recordingLogger } from '../support/session-values.js';

const { keccak256 } = nodeCrypto();
const SECOND = 1_000;

class Shelf implements JournalSink {
  readonly #entries = new Map<string, JournalEntry[]>();

  write(session: { readonly id: string }, entries: readonly JournalEntry[]): void {
    this.#entries.set(session.id, [...this.of(session.id), ...entries]);
  }

  of(id: string): readonly JournalEntry[] {
    return this.#entries.get(id) ?? [];
  }
}

async function journaled(
  settings: Partial<SessionSettings>,
  options: Partial<SessionManagerOptions> = {},
): Promise<{ village: Village; shelves: [Shelf, Shelf]; a: Node; b: Node }> {
  const village = new Village();
  const shelves: [Shelf, Shelf] = [new Shelf(), new Shelf()];
  const templates = { basic: { settings } };
  const serve = async () => ({
    name: 'BlockBodies' as const,
    requestId: 0n,
    bodies: [Uint8Array.of(0xc2, 0xc0, 0xc0)],
  });
  const a = await village.node({ templates, journal: shelves[0], serve, ...options });
  const b = await village.node({ templates, journal: shelves[1], serve, ...options });
  return { village, shelves, a, b };
}

const lines = (entries: readonly JournalEntry[]): string[] =>
  entries.map((entry) => {
    if (entry.kind === 'message') return `${entry.chain} ${entry.name}`;
    return entry.kind === 'event' ? entry.event : entry.kind;
  });

const messages = (entries: readonly JournalEntry[], chain: 'in' | 'out'): string[] =>
  entries.flatMap((entry) =>
    entry.kind === 'message' && entry.chain === chain ? [`${entry.name} ${entry.hash}`] : [],
  );

describe('the journal of a session that lives', () => {
  test('000.5: tells its whole life, verifies, and what one end sent is what the other accepted', async () => {
    const { village, shelves, a, b } = await journaled({ messageLogging: 'headers' });
    const session = await village.clock.settle(village.dial(a, b).active);
    await village.clock.settle(session.eth.getBlockBodies([hash(1)]));
    const other = b.manager.active()[0];
    if (other === undefined) throw new Error('no session');
    await village.clock.settle(other.eth.getBlockBodies([hash(2)]));
    session.pause();
    session.resume();
    await village.clock.settle(session.close());
    await village.clock.advance(SECOND);
    const [ours, theirs] = [shelves[0].of(session.id), shelves[1].of(other.id)];
    expect(lines(ours)).toEqual([
      ...['open', 'connect', 'begin', 'authenticated', 'greeted', 'out Status', 'in Status', 'verified'],
      ...['out GetBlockBodies', 'in BlockBodies', 'in GetBlockBodies', 'out BlockBodies'],
      ...['pause', 'resume', 'drain', 'end'],
    ]);
    for (const entries of [ours, theirs])
      expect(verifyJournal(entries, keccak256)).toMatchObject({ intact: true, complete: true, missed: 0 });
    expect(messages(ours, 'out')).toEqual(messages(theirs, 'in'));
    expect(messages(ours, 'in')).toEqual(messages(theirs, 'out'));
    expect(ours.find((entry) => entry.kind === 'event' && entry.event === 'verified')).toMatchObject({
      facts: { sharedId: Buffer.from(session.sharedId).toString('hex') },
    });
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('004.7: replayed from its lines it comes to the same states and the same end', async () => {
    for (const way of ['close', 'fault', 'expire'] as const) {
      const { village, shelves, a } = await journaled(
        { messageLogging: 'whole' },
        { deadlines: { idleMs: 20 * SECOND } },
      );
      const peer = new ScriptedPeer(village.world('10.0.0.99'));
      await village.clock.settle(peer.dial(a));
      await village.clock.advance(100);
      const session = a.manager.active()[0];
      if (session === undefined) throw new Error('no session');
      const asked = session.eth.getBlockBodies([hash(1)]).catch(() => undefined);
      await village.clock.advance(100);
      if (way === 'close') session.disconnect(3);
      else if (way === 'fault') peer.raw(0x0c, Uint8Array.of(0xc0));
      else village.network.freeze('10.0.0.99');
      const cause = await village.clock.settle(session.ended);
      await asked;
      await village.clock.advance(100);
      const { entries, torn } = decodeJournal(encodeJournal(shelves[0].of(session.id)));
      expect(torn).toBe(false);
      expect(replayJournal(entries)).toMatchObject({
        possible: true,
        cause: JSON.parse(JSON.stringify(cause)),
        openRequests: { out: 1, in: 0 },
      });
    }
  });

  test('004.3: what was refused is not in it: neither what had no permission nor what broke the rules', async () => {
    const village = new Village();
    const shelf = new Shelf();
    const node = await village.node({
      journal: shelf,
      templates: {
        basic: { permissions: { serveBodies: false }, settings: { messageLogging: 'headers' } },
      },
    });
    const peer = new ScriptedPeer(village.world('10.0.0.99'));
    await village.clock.settle(peer.dial(node));
    await village.clock.advance(100);
    const id = node.manager.active()[0]?.id ?? '';
    const before = shelf.of(id).length;
    const refused: EthMessage = { name: 'GetBlockBodies', requestId: 1n, hashes: [hash(1)] };
    peer.say(refused);
    await village.clock.advance(100);
    expect(peer.heard('BlockBodies')).toHaveLength(1);
    expect(shelf.of(id)).toHaveLength(before);
    peer.say({ name: 'BlockBodies', requestId: 9n, bodies: [] });
    await village.clock.advance(100);
    expect(lines(shelf.of(id)).slice(before)).toEqual(['end']);
    expect(replayJournal(shelf.of(id))).toMatchObject({ possible: true, cause: { outcome: 'faulted' } });
  });

  test('004.3: a request that cannot be read is not in it, not even one that had to wait', async () => {
    const { village, shelves, a } = await journaled(
      { messageLogging: 'headers' },
      { serve: () => new Promise(() => undefined) },
    );
    const peer = new ScriptedPeer(village.world('10.0.0.99'));
    await village.clock.settle(peer.dial(a));
    await village.clock.advance(100);
    const id = a.manager.active()[0]?.id ?? '';
    for (let i = 1n; i <= 4n; i++) peer.say({ name: 'GetBlockBodies', requestId: i, hashes: [hash(1)] });
    peer.raw(5, Uint8Array.of(0xc1, 0x05));
    await village.clock.advance(100);
    expect(lines(shelves[0].of(id)).filter((line) => line === 'in GetBlockBodies')).toHaveLength(4);
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
    expect(lines(shelves[0].of(id)).filter((line) => line === 'in GetBlockBodies')).toHaveLength(4);
    expect(verifyJournal(shelves[0].of(id), keccak256)).toMatchObject({ intact: true, complete: true });
  });

  test('004.4: ambient messages come in only where the template asks for them', async () => {
    for (const ambientLogging of [false, true]) {
      const { village, shelves, a, b } = await journaled(
        { messageLogging: 'headers', ambientLogging },
        { gossip: () => undefined, ethVersions: [69] },
      );
      const session = await village.clock.settle(village.dial(a, b).active);
      session.eth.send({ name: 'BlockRangeUpdate', ...range(0n, 700n) });
      session.eth.send({
        name: 'NewPooledTransactionHashes',
        types: Uint8Array.of(2),
        sizes: [9],
        hashes: [hash(7)],
      });
      await village.clock.advance(100);
      const sent = lines(shelves[0].of(session.id)).slice(-2);
      const heard = lines(shelves[1].of(b.manager.active()[0]?.id ?? '')).slice(-2);
      if (ambientLogging) {
        expect(sent).toEqual(['ambient-out BlockRangeUpdate', 'ambient-out NewPooledTransactionHashes']);
        expect(heard).toEqual(['ambient-in BlockRangeUpdate', 'ambient-in NewPooledTransactionHashes']);
      } else {
        expect([sent.at(-1), heard.at(-1)]).toEqual(['verified', 'verified']);
      }
    }
  });

  test('000.5: a session that never becomes active has one, too', async () => {
    const { village, shelves, a } = await journaled({ messageLogging: 'headers' });
    const handle = a.manager.dial({
      host: '10.7.7.7',
      port: 30_303,
      publicKey: new ScriptedPeer(village.world('10.0.0.98')).publicKey,
    });
    await village.clock.settle(handle.ended);
    await village.clock.advance(SECOND);
    expect(lines(shelves[0].of(handle.id))).toEqual(['open', 'connect', 'end']);
    expect(replayJournal(shelves[0].of(handle.id))).toMatchObject({
      possible: true,
      cause: { stage: 'connecting' },
    });
  });

  test('is off by default, and needs somewhere to go', async () => {
    const village = new Village();
    const shelf = new Shelf();
    const node = await village.node({ journal: shelf });
    const other = await village.node();
    const session = await village.clock.settle(village.dial(node, other).active);
    session.disconnect();
    await village.clock.advance(SECOND);
    expect(shelf.of(session.id)).toEqual([]);
    const settings = { messageLogging: 'headers' } as const;
    await expect(village.node({ templates: { mine: { settings } } })).rejects.toThrow(InvalidConfiguration);
    expect(() => village.dial(other, node, { template: { settings } })).toThrowError(
      expect.objectContaining({ field: 'templates.own.settings.messageLogging' }),
    );
  });

  test('a sink that fails is told of once and hurts no session', async () => {
    const logger = recordingLogger();
    const { village, a, b } = await journaled(
      { messageLogging: 'headers' },
      {
        logger,
        journal: {
          write: () => {
            throw new Error('the disk is full');
          },
        },
      },
    );
    const session = await village.clock.settle(village.dial(a, b).active);
    await village.clock.settle(session.eth.getBlockBodies([hash(1)]));
    await village.clock.settle(session.close());
    await village.clock.advance(SECOND);
    const told = logger.lines.filter(({ message }) => message.includes('journal'));
    expect(told).toHaveLength(2); // one for each end
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('a slow sink is written to piece by piece, in order, and never twice at once', async () => {
    const shelf = new Shelf();
    let open = 0;
    let most = 0;
    const village = new Village();
    const slow: JournalSink = {
      write: async (session, entries) => {
        most = Math.max(most, ++open);
        await new Promise<void>((resolve) => village.clock.timer(50, resolve));
        shelf.write(session, entries);
        open--;
      },
    };
    const templates = { basic: { settings: { messageLogging: 'headers' } } } as const;
    const a = await village.node({ templates, journal: slow });
    const b = await village.node();
    const session = await village.clock.settle(village.dial(a, b).active);
    for (let i = 0; i < 20; i++) await village.clock.settle(session.eth.getBlockBodies([hash(i)]));
    session.disconnect();
    await village.clock.advance(SECOND);
    expect(most).toBe(1);
    expect(verifyJournal(shelf.of(session.id), keccak256)).toMatchObject({ intact: true, complete: true });
    expect(messages(shelf.of(session.id), 'out')).toHaveLength(21);
  });
});
