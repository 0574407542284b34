import { pathToFileURL } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { sameBytes } from '../../src/codec/index.js';
import { nobleCrypto } from '../../src/crypto/index.js';
import { type BlobSidecar, readTransaction } from '../../src/pool/index.js';
import type { Workers } from '../../src/runtime/index.js';
import { builtMain, ensureBuilt } from '../support/build.js';
import { transactionVector, wholeItem } from '../support/pool-vectors.js';

interface Built {
  readonly BlobVerifier: typeof import('../../src/pool/index.js').BlobVerifier;
  readonly realWorkers: Workers;
}

/** As it is built: threads run JavaScript. */
async function built(): Promise<Built> {
  const room = async (name: string) =>
    import(new URL(`../src/${name}/index.js`, pathToFileURL(builtMain)).href);
  return { ...(await room('pool')), ...(await room('runtime')) };
}

beforeAll(ensureBuilt, 240_000);

test('blobs are verified and extended in a real thread', async () => {
  const { BlobVerifier, realWorkers } = await built();
  const verifier = new BlobVerifier({ workers: realWorkers });
  const item = wholeItem(transactionVector('type 3 with a sidecar of version 1'));
  const { sidecar } = readTransaction(item, { crypto: nobleCrypto });
  const { blobs, proofs, ...rest } = sidecar as BlobSidecar;
  const wrong = { ...rest, blobs, proofs: proofs.toReversed() };
  const jobs = [verifier.verify({ ...rest, blobs, proofs }), verifier.verify(wrong)];
  const cells = verifier.extend(blobs[0] as Uint8Array);
  expect(await Promise.all(jobs)).toEqual([true, false]);
  expect(sameBytes((await cells).subarray(0, 131_072), blobs[0] as Uint8Array)).toBe(true);
  const late = verifier.verify({ ...rest, blobs, proofs }).catch((error: unknown) => error);
  await verifier.close();
  expect(await late).toMatchObject({ code: 'ERR_POOL_VERIFIER' });
}, 60_000);
