import { beforeAll, describe, expect, test } from 'vitest';
import { chooseCrypto } from '../../src/crypto/index.js';
import type { Session } from '../../src/index.js';
import { bytesToHex } from '../../src/index.js';
import { rlpxdOk, startDaemon } from './support/daemon.js';
import { startGeth } from './support/geth.js';
import { withSession } from './support/library.js';
import { conformanceChain, temporaryFolder } from './support/places.js';

const chain = conformanceChain();
/** Its receipts take more than the 10 MiB of a message; before eth/70 geth sends them all the same, and we do not. */
const hugeBlock = 11;
const crypto = chooseCrypto();
const unknown = new Uint8Array(32).fill(0x99);

let datadir = '';

beforeAll(async () => {
  const geth = await startGeth({ chain });
  datadir = temporaryFolder();
  await rlpxdOk(['pull', geth.enode, '--genesis', chain.genesis, '--datadir', datadir]);
  await geth.process.stop();
});

/** As many lines as there are items, each with its size and hash: lists of megabytes are compared by them. */
function digests(items: readonly (Uint8Array | undefined)[]): readonly string[] {
  return items.map((item) =>
    item === undefined ? 'none' : `${item.length} ${bytesToHex(crypto.keccak256(item))}`,
  );
}

/** What a node answers to requests that reach every limit. */
async function answers({ eth }: Session): Promise<Record<string, readonly string[]>> {
  const headers = await eth.getBlockHeaders({ origin: 0n, amount: 1_024, skip: 0n, reverse: false });
  const hashes = headers.map((header) => crypto.keccak256(header));
  const without = hashes.filter((_, number) => number !== hugeBlock);
  const many = [...without, ...without].slice(0, 1_024);
  const gap = [...without.slice(1, 6), unknown, ...without.slice(6, 12)];
  const receipts = async (of: readonly Uint8Array[], first = 0n): Promise<readonly string[]> => {
    const index = eth.version >= 70 ? { firstBlockReceiptIndex: first } : {};
    const answer = await eth.request({ name: 'GetReceipts', requestId: 0n, hashes: of, ...index });
    return [...digests(answer.blocks), `incomplete: ${answer.lastBlockIncomplete === true}`];
  };
  const found: Record<string, readonly string[]> = {
    'headers, 1,024 wanted': digests(headers),
    'bodies, 1,024 wanted': digests(await eth.getBlockBodies(many)),
    'bodies, 1,400 wanted': digests(await eth.getBlockBodies([...many, ...many.slice(0, 376)])),
    'bodies around an unknown one': digests(await eth.getBlockBodies(gap)),
    'receipts, 1,024 wanted': await receipts(many),
    'receipts around an unknown one': await receipts(gap),
  };
  if (eth.version >= 70) {
    found['receipts that fill a message'] = await receipts(hashes.slice(hugeBlock - 2, hugeBlock + 2));
    found['receipts of a large block from its middle'] = await receipts([hashes[hugeBlock] ?? unknown], 20n);
  }
  if (eth.version >= 71)
    found['access lists around an unknown one'] = digests(await eth.getBlockAccessLists(gap));
  return found;
}

describe.each([69, 70, 71, 72] as const)('eth/%i', (version) => {
  test('answers are geth’s, byte for byte, up to every limit', async () => {
    const geth = await startGeth({ chain, eth: [version] });
    const daemon = await startDaemon({ genesis: chain.genesis, datadir });
    const theirs = await withSession(chain, geth.enode, version, answers);
    const ours = await withSession(chain, daemon.enode, version, answers);
    expect(Object.values(theirs).every((lines) => lines.length > 0)).toBe(true);
    if (version >= 70) expect(theirs['receipts that fill a message']).toContain('incomplete: true');
    for (const [question, lines] of Object.entries(theirs)) expect(ours[question], question).toEqual(lines);
    expect(await daemon.process.stop()).toBe(0);
  });
});
