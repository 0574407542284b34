import { describe, expect, it } from 'vitest';
import { concatBytes, encodeBytes, encodeList, encodeUint } from '../../src/codec/index.js';
import {
  ETH_VERSIONS,
  EthError,
  type EthMessageName,
  type EthVersion,
  ethProtocol,
} from '../../src/eth/index.js';
import { hash, hex } from '../support/eth-vectors.js';

/*
 * One good message per row, as a tree of bytes (strings) and arrays (lists); everything wrong is made from it.
 */
type Tree = Uint8Array | readonly Tree[] | Kept;

/** What a message keeps as it is: its inside is not looked at. `any` may as well be of the other kind. */
interface Kept {
  readonly kept: Uint8Array | readonly Tree[];
  readonly kind: 'same' | 'any';
}

const keep = (kept: Uint8Array | readonly Tree[], kind: Kept['kind'] = 'same'): Kept => ({ kept, kind });

const zero = new Uint8Array(0);
const one = Uint8Array.of(1);
const id = hex('0457');
const h = hash('deadc0de');
const mask = new Uint8Array(16);
const cell = new Uint8Array(2_048);
const typed = keep(hex('02c0'), 'any');
const legacy = keep([one]);
const forkId: Tree = [hex('f0afd0e3'), zero];
const range: Tree = [one, hex('0400'), h];

interface Row {
  readonly name: EthMessageName;
  readonly versions: readonly EthVersion[];
  readonly good: (version: EthVersion) => readonly Tree[];
}

const all = ETH_VERSIONS;
const since = (version: EthVersion): readonly EthVersion[] => all.filter((candidate) => candidate >= version);
const before = (version: EthVersion): readonly EthVersion[] => all.filter((candidate) => candidate < version);
const asks = (name: EthMessageName, versions: readonly EthVersion[] = all): Row => ({
  name,
  versions,
  good: () => [id, [h, h]],
});

const rows: readonly Row[] = [
  { name: 'Status', versions: [68], good: () => [hex('44'), one, hex('0123'), h, h, forkId] },
  {
    name: 'Status',
    versions: since(69),
    good: (version) => [Uint8Array.of(version), one, h, forkId, ...(range as readonly Tree[])],
  },
  { name: 'NewBlockHashes', versions: [68], good: () => [[h, one]] },
  { name: 'NewBlock', versions: [68], good: () => [keep([[], [], []]), one] },
  { name: 'Transactions', versions: all, good: () => [legacy, typed] },
  { name: 'GetBlockHeaders', versions: all, good: () => [id, [h, one, zero, one]] },
  { name: 'GetBlockHeaders', versions: all, good: () => [id, [hex('0400'), one, zero, zero]] },
  { name: 'BlockHeaders', versions: all, good: () => [id, [keep([h]), keep([])]] },
  asks('GetBlockBodies'),
  { name: 'BlockBodies', versions: all, good: () => [id, [keep([[], []])]] },
  {
    name: 'NewPooledTransactionHashes',
    versions: before(72),
    good: () => [hex('0203'), [one, hex('0400')], [h, h]],
  },
  {
    name: 'NewPooledTransactionHashes',
    versions: [72],
    good: () => [hex('0203'), [one, hex('0400')], [h, h], mask],
  },
  asks('GetPooledTransactions'),
  { name: 'PooledTransactions', versions: all, good: () => [id, [legacy, typed]] },
  asks('GetReceipts', before(70)),
  { name: 'GetReceipts', versions: since(70), good: () => [id, hex('05'), [h, h]] },
  { name: 'Receipts', versions: before(70), good: () => [id, [keep([]), keep([[one]])]] },
  { name: 'Receipts', versions: since(70), good: () => [id, one, [keep([]), keep([[one]])]] },
  { name: 'BlockRangeUpdate', versions: since(69), good: () => range as readonly Tree[] },
  asks('GetBlockAccessLists', since(71)),
  {
    name: 'BlockAccessLists',
    versions: since(71),
    good: () => [id, [keep([]), keep(zero, 'any'), keep([[one]])]],
  },
  { name: 'GetCells', versions: [72], good: () => [id, [[h], mask]] },
  { name: 'GetCells', versions: [72], good: () => [id, [h], mask] },
  { name: 'Cells', versions: [72], good: () => [id, [[h], [[cell]], mask]] },
  { name: 'Cells', versions: [72], good: () => [id, [h], [[cell]], mask] },
];

const cases = rows.flatMap((row, i) =>
  row.versions.map((version) => [`eth/${version} ${row.name} (${i})`, row, version] as const),
);

function encode(tree: Tree): Uint8Array {
  if (tree instanceof Uint8Array) return encodeBytes(tree);
  return 'kept' in tree ? encode(tree.kept) : encodeList(tree.map(encode));
}

/** Every way to put `wrong` encoded bytes in the place of one node of the tree. */
function* replacements(
  tree: readonly Tree[],
  wrong: (node: Tree) => readonly Uint8Array[],
): Generator<Uint8Array> {
  for (const [i, node] of tree.entries()) {
    const others = tree.map(encode);
    for (const bytes of wrong(node)) yield encodeList(others.with(i, bytes));
    if (node instanceof Uint8Array || 'kept' in node) continue;
    for (const bytes of replacements(node, wrong)) yield encodeList(others.with(i, bytes));
  }
}

/** Canonical RLP is unique: these are other forms of what the node stands for. */
function nonCanonical(node: Tree): readonly Uint8Array[] {
  if ('kept' in node) return nonCanonical(node.kept);
  const good = encode(node);
  const content = node instanceof Uint8Array ? node : good.subarray(good.length - contentBytes(good));
  const long = Uint8Array.of(
    node instanceof Uint8Array ? 0xb9 : 0xf9,
    content.length >> 8,
    content.length & 0xff,
  );
  const wrong = content.length < 256 ? [concatBytes([long, content])] : []; // from there on two bytes of length are right
  if (node instanceof Uint8Array && node.length < 8) wrong.push(encodeBytes(concatBytes([hex('00'), node])));
  if (good.length === 1 && node instanceof Uint8Array && node.length === 1)
    wrong.push(concatBytes([hex('81'), node]));
  return wrong;
}

/** Of a list with at most two bytes of length. */
function contentBytes(list: Uint8Array): number {
  const prefix = list[0] as number;
  return prefix < 0xf8 ? prefix - 0xc0 : list.length - (prefix - 0xf7) - 1;
}

function otherKind(node: Tree): readonly Uint8Array[] {
  if ('kept' in node) return node.kind === 'any' ? [] : otherKind(node.kept);
  if (node instanceof Uint8Array) return [encodeList([]), encodeList([encode(node)])];
  return [encodeBytes(hex('ff')), encodeBytes(encode(node))];
}

describe('S7: what is not exactly the message is refused', () => {
  it.each(cases)('%s: the good form is read and written as it was', (_title, { name, good }, version) => {
    const spec = ethProtocol(version).byName.get(name);
    const payload = encode(good(version));
    const message = spec?.decode(payload);
    expect(message?.name).toBe(name);
    if (message === undefined || spec === undefined) throw new Error('unreachable: the name matched');
    // The flat form of cells is read, and written in the nested one.
    if (!name.includes('Cells') || good(version).length === 2) expect(spec.encode(message)).toEqual(payload);
  });

  const refuses = (version: EthVersion, name: EthMessageName, payload: Uint8Array): void => {
    const decode = (): unknown => ethProtocol(version).byName.get(name)?.decode(payload);
    expect(decode, Buffer.from(payload.subarray(0, 100)).toString('hex')).toThrow(EthError);
    expect(decode).toThrow(expect.objectContaining({ code: 'ERR_ETH_DECODE', reason: 2 }));
  };

  it.each(cases)('%s: an element missing or one more', (_title, { name, good }, version) => {
    const elements = good(version);
    // A list of anything can be shorter or longer.
    if (name === 'Transactions' || name === 'NewBlockHashes') return;
    refuses(version, name, encode(elements.slice(0, -1)));
    refuses(version, name, encode([...elements, one]));
    refuses(version, name, encode([...elements, []]));
    refuses(version, name, encode([]));
  });

  it.each(cases)('%s: bytes before, after and instead', (_title, { name, good }, version) => {
    const payload = encode(good(version));
    refuses(version, name, concatBytes([payload, hex('00')]));
    refuses(version, name, concatBytes([payload, hex('c0')]));
    refuses(version, name, payload.subarray(0, -1));
    refuses(version, name, encodeBytes(payload));
    refuses(version, name, zero);
  });

  it.each(cases)('%s: cut short anywhere', (_title, { name, good }, version) => {
    const payload = encode(good(version)).subarray(0, 400);
    for (let end = 0; end < payload.length - 1; end++) refuses(version, name, payload.subarray(0, end));
  });

  it.each(cases)(
    '%s: prefixes and integers in another than their one form',
    (_title, { name, good }, version) => {
      for (const payload of replacements(good(version), nonCanonical)) refuses(version, name, payload);
    },
  );

  it.each(cases)('%s: a list for a string, a string for a list', (_title, { name, good }, version) => {
    for (const payload of replacements(good(version), otherKind)) refuses(version, name, payload);
  });

  it('integers above 64 bits, and booleans above 1', () => {
    const nine = hex('010000000000000000');
    refuses(69, 'GetBlockHeaders', encode([nine, [h, one, zero, one]]));
    refuses(69, 'GetBlockHeaders', encode([id, [nine, one, zero, one]]));
    refuses(69, 'GetBlockHeaders', encode([id, [h, nine, zero, one]]));
    refuses(69, 'GetBlockHeaders', encode([id, [h, one, nine, one]]));
    refuses(69, 'GetBlockHeaders', encode([id, [h, one, zero, hex('02')]]));
    refuses(70, 'Receipts', encode([id, hex('02'), []]));
    refuses(69, 'BlockRangeUpdate', encode([one, nine, h]));
    refuses(68, 'NewBlock', encode([[[], [], []], new Uint8Array(33).fill(1)]));
  });

  it('hashes, masks and cells of other sizes', () => {
    for (const length of [0, 1, 9, 31, 33]) {
      const wrong = new Uint8Array(length).fill(0xaa);
      refuses(69, 'GetBlockBodies', encode([id, [wrong]]));
      if (length !== 1)
        refuses(69, 'GetBlockHeaders', encode([id, [length === 0 ? hex('00') : wrong, one, zero, one]]));
      refuses(69, 'BlockRangeUpdate', encode([one, one, wrong]));
      refuses(72, 'GetCells', encode([id, [[h], wrong]]));
      refuses(72, 'GetCells', encode([id, [[wrong], mask]]));
      refuses(72, 'Cells', encode([id, [[h], [[wrong]], mask]]));
    }
    refuses(72, 'Cells', encode([id, [[h], [[new Uint8Array(2_049)]], mask]]));
  });

  it('lists that should be equally long', () => {
    refuses(71, 'NewPooledTransactionHashes', encode([hex('02'), [one, one], [h, h]]));
    refuses(71, 'NewPooledTransactionHashes', encode([hex('0202'), [one], [h, h]]));
    refuses(71, 'NewPooledTransactionHashes', encode([hex('0202'), [one, one], [h]]));
    refuses(72, 'Cells', encode([id, [[h, h], [[cell]], mask]]));
    refuses(72, 'Cells', encode([id, [[h], [[cell], [cell]], mask]]));
  });

  it('cells in a list of their own, with an element more in it', () => {
    refuses(72, 'GetCells', encode([id, [[h], mask, one]]));
    refuses(72, 'GetCells', encode([id, [[h]], mask]));
    refuses(72, 'Cells', encode([id, [[h], [[cell]], mask, []]]));
  });

  it('transactions of types that cannot be', () => {
    for (const wrong of ['', '02', '00c0', '80c0', 'c0c0', 'ffc0']) {
      refuses(69, 'Transactions', encode([hex(wrong)]));
      refuses(69, 'PooledTransactions', encode([id, [hex(wrong)]]));
    }
    refuses(69, 'NewPooledTransactionHashes', encode([hex('80'), [one], [h]]));
    refuses(69, 'NewPooledTransactionHashes', encode([hex('02'), [hex('0100000000')], [h]]));
  });

  it('an access list that is a string', () => {
    refuses(71, 'BlockAccessLists', encode([id, [one]]));
    refuses(71, 'BlockAccessLists', encode([id, [hex('c0ff')]]));
  });
});

describe('F13: Status is parsed strictly', () => {
  const decode = (version: EthVersion, tree: readonly Tree[]) => () =>
    ethProtocol(version).byName.get('Status')?.decode(encode(tree));

  it.each([0, 3, 5, 32])('a fork id whose hash has %d bytes', (length) => {
    const wrong: Tree = [new Uint8Array(length).fill(9), zero];
    const error = expect.objectContaining({ code: 'ERR_ETH_DECODE', reason: 2 });
    expect(decode(69, [hex('45'), one, h, wrong, ...(range as readonly Tree[])])).toThrow(error);
    expect(decode(68, [hex('44'), one, one, h, h, wrong])).toThrow(error);
  });

  it('a fork id of one or three elements', () => {
    const error = expect.objectContaining({ code: 'ERR_ETH_DECODE' });
    for (const wrong of [[hex('f0afd0e3')], [hex('f0afd0e3'), zero, zero]]) {
      expect(decode(69, [hex('45'), one, h, wrong, ...(range as readonly Tree[])])).toThrow(error);
    }
  });

  it('a version of the same form is read, one of another form is named', () => {
    const status = (version: number): readonly Tree[] => [
      Uint8Array.of(version),
      one,
      h,
      forkId,
      ...(range as readonly Tree[]),
    ];
    expect(decode(69, status(71))()).toMatchObject({ status: { version: 71 } });
    for (const version of [67, 68, 73]) {
      expect(decode(69, status(version))).toThrow(
        expect.objectContaining({
          code: 'ERR_ETH_STATUS_VERSION',
          message: expect.stringContaining(`eth/${version}`),
        }),
      );
    }
    expect(decode(68, [hex('45'), one, one, h, h, forkId])).toThrow(
      expect.objectContaining({ code: 'ERR_ETH_STATUS_VERSION' }),
    );
  });
});

describe('F12: Status is small', () => {
  it.each(ETH_VERSIONS)(
    'eth/%d: 2 KiB at most, of which the largest possible needs less than 256 bytes',
    (version) => {
      const status = ethProtocol(version).byId[0];
      expect(status).toMatchObject({ name: 'Status', kind: 'status', maxBytes: 2_048 });
      const largest = new Uint8Array(8).fill(0xff);
      const fork: Tree = [hex('ffffffff'), largest];
      const tree: readonly Tree[] =
        version === 68
          ? [hex('44'), largest, new Uint8Array(32).fill(0xff), h, h, fork]
          : [Uint8Array.of(version), largest, h, fork, largest, largest, h];
      const payload = encode(tree);
      expect(payload.length).toBeLessThan(256);
      expect(status?.decode(payload).name).toBe('Status');
    },
  );

  it('1 MB of it ends in an error', () => {
    const payload = encodeList([encodeUint(69), encodeBytes(new Uint8Array(1_000_000).fill(1))]);
    expect(() => ethProtocol(69).byId[0]?.decode(payload)).toThrow(EthError);
  });
});
