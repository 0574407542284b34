import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  concatBytes,
  EMPTY_BYTES,
  encodeBytes,
  encodeList,
  RlpReader,
  sameBytes,
} from '../../src/codec/index.js';
import { ETH_VERSIONS, EthError, ethProtocol } from '../../src/eth/index.js';
import { seededRandom } from '../../src/runtime/index.js';
import { messageArbitrary } from '../support/eth-arbitraries.js';

/** An item that can be taken apart and put together otherwise. */
type Item = Uint8Array | Item[];

function read(reader: RlpReader): Item {
  return reader.isList() ? items(reader.list()) : reader.bytes();
}

function items(list: RlpReader): Item[] {
  const found: Item[] = [];
  while (!list.done) found.push(read(list));
  return found;
}

const write = (item: Item): Uint8Array =>
  Array.isArray(item) ? encodeList(item.map(write)) : encodeBytes(item);

/** All lists in it, itself included. */
function lists(item: Item): Item[][] {
  return Array.isArray(item) ? [item, ...item.flatMap(lists)] : [];
}

type Random = ReturnType<typeof seededRandom>;
const below = (random: Random, end: number): number => Math.floor(random.unit() * end);

/** What a string may become: empty, with a zero in front, cut, longer, of a length that some field has, a list. */
function otherwise(item: Item | undefined, random: Random): Item {
  const bytes = item === undefined || Array.isArray(item) ? EMPTY_BYTES : item;
  switch (below(random, 6)) {
    case 0:
      return EMPTY_BYTES;
    case 1:
      return concatBytes([Uint8Array.of(0), bytes]);
    case 2:
      return bytes.slice(0, below(random, bytes.length + 1));
    case 3:
      return concatBytes([bytes, random.bytes(1)]);
    case 4:
      return new Uint8Array([4, 8, 9, 16, 32, 33, 64, 2_048][below(random, 8)] ?? 0).fill(0xff);
    default:
      return [bytes];
  }
}

function mutate(root: Item, random: Random): void {
  const all = lists(root);
  const list = all[below(random, all.length)];
  if (list === undefined) return;
  const at = below(random, list.length + 1);
  switch (below(random, 5)) {
    case 0:
      list.splice(at, 1);
      break;
    case 1:
      list.splice(at, 0, structuredClone(list[below(random, list.length)] ?? EMPTY_BYTES));
      break;
    case 2:
      list.push(...new Array<Item>(below(random, 300)).fill(Uint8Array.of(1)));
      break;
    case 3:
      list.splice(at, 1, structuredClone(all[below(random, all.length)] ?? []));
      break;
    default:
      list.splice(at, 1, otherwise(list[at], random));
  }
}

/** Messages whose one form is not the only one that is read. */
const TWO_FORMS = ['GetCells', 'Cells'];

const specs = ETH_VERSIONS.flatMap((version) =>
  Array.from(
    ethProtocol(version).byName.values(),
    (spec) => [`eth/${version} ${spec.name}`, version, spec] as const,
  ),
);

describe('good messages with their structure changed (seed 20)', () => {
  test.each(specs)('%s: a message that would be written so, or the one error', (title, version, spec) => {
    const random = seededRandom(`20 ${title}`);
    const good = fc.sample(messageArbitrary(spec.name, version), { seed: 20, numRuns: 10 });
    let refused = 0;
    for (let round = 0; round < 200; round++) {
      const root = read(new RlpReader(spec.encode(good[round % good.length] ?? good[0] ?? fail())));
      for (let changes = 1 + below(random, 3); changes > 0; changes--) mutate(root, random);
      const payload = write(root);
      try {
        const message = spec.decode(payload);
        if (message.name === 'Status' && message.status.version !== version) continue; // judged by checkStatus
        if (!TWO_FORMS.includes(spec.name)) expect(sameBytes(spec.encode(message), payload)).toBe(true);
      } catch (error) {
        refused++;
        if (!(error instanceof EthError)) throw error;
        expect(error.code).toMatch(/^ERR_ETH_(DECODE|STATUS_VERSION)$/);
        expect(error.reason).toBe(2);
      }
    }
    expect(refused).toBeGreaterThan(0);
  });
});

function fail(): never {
  throw new Error('no sample');
}
