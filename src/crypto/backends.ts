import type { CryptoParts, Curve, Keccak, RlpxCrypto } from './crypto.js';
import { nativeCurve } from './native-curve.js';
import { nobleCrypto } from './noble.js';
import { nodeCrypto } from './node.js';
import { installedPackage, type PackageLoader } from './packages.js';
import { portableKeccak } from './portable-keccak.js';
import { wasmCurve } from './wasm/curve.js';
import { wasmEcies } from './wasm/ecies.js';
import { wasmFrames } from './wasm/frames.js';
import { wasmKeccak } from './wasm/keccak.js';

export type CryptoBackendName = 'native' | 'wasm' | 'node' | 'noble';

/** A back end put together, not yet tried. */
export interface CryptoBackend {
  readonly crypto: RlpxCrypto;
  readonly parts: CryptoParts;
  /** Parts that the slower took over, and why, one sentence each. */
  readonly lost: readonly string[];
}

/** Where the parts come from that need not be there; the installed packages and this process, if not said otherwise. */
export interface CryptoSources {
  readonly loadPackage: PackageLoader;
  /** @throws Error where WebAssembly does not work */
  readonly wasmKeccak: () => Keccak;
}

export const INSTALLED: CryptoSources = { loadPackage: installedPackage, wasmKeccak };

type Make = (sources: CryptoSources) => CryptoBackend;

/** The fastest first. Each throws an Error that says in one sentence why it cannot be made. */
export const BACKENDS: ReadonlyMap<CryptoBackendName, Make> = new Map([
  ['native', native],
  ['wasm', wasm],
  ['node', node],
  ['noble', noble],
]);

const NODE = 'node:crypto';
const PORTABLE_KECCAK: readonly (readonly [from: string, make: () => Keccak])[] = [
  ['typescript', portableKeccak],
  ['noble', () => nobleCrypto],
];

/** libsecp256k1 as native code; Keccak in WebAssembly, which no native package for Node is faster than. */
function native({ loadPackage, wasmKeccak }: CryptoSources): CryptoBackend {
  const curve = nativeCurve(loadPackage);
  const keccak = firstOf<Keccak>([['wasm', wasmKeccak], ...PORTABLE_KECCAK]);
  return {
    crypto: assembled('native', nodeCrypto(), keccak.part, curve),
    parts: { curve: 'secp256k1', keccak: keccak.from, aes: NODE, hmac: NODE },
    lost: keccak.lost.map((why) => `keccak ${why}`),
  };
}

/** Where native code of others is not wanted, or was not built. */
function wasm({ loadPackage, wasmKeccak }: CryptoSources): CryptoBackend {
  const base = nodeCrypto();
  const curve = firstOf<Curve>([
    ['tiny-secp256k1', () => wasmCurve(loadPackage, base.hmacSha256)],
    [`${NODE} and noble`, () => base],
  ]);
  return {
    crypto: assembled('wasm', base, wasmKeccak(), curve.part),
    parts: { curve: curve.from, keccak: 'wasm', aes: NODE, hmac: NODE },
    lost: curve.lost.map((why) => `curve ${why}`),
  };
}

/** What comes with Node, and JavaScript for the rest. */
function node(): CryptoBackend {
  const keccak = firstOf(PORTABLE_KECCAK);
  return {
    crypto: { ...nodeCrypto(), ...hashesOf(keccak.part) },
    parts: { curve: `${NODE} and noble`, keccak: keccak.from, aes: NODE, hmac: NODE },
    lost: keccak.lost.map((why) => `keccak ${why}`),
  };
}

/**
 * JavaScript alone. Keccak is our own, as in all others: with noble's, hashing would be 70 % of a frame. Noble's stays what
 * all are tested against, and is taken where ours does not work.
 */
function noble(): CryptoBackend {
  const keccak = firstOf(PORTABLE_KECCAK);
  return {
    crypto: { ...nobleCrypto, ...hashesOf(keccak.part) },
    parts: { curve: 'noble', keccak: keccak.from, aes: 'noble', hmac: 'noble' },
    lost: keccak.lost.map((why) => `keccak ${why}`),
  };
}

function assembled(name: CryptoBackendName, base: RlpxCrypto, keccak: Keccak, curve: Curve): RlpxCrypto {
  const frameEngine = whereItWorks(() => wasmFrames(base.aesCtr));
  const ecies = whereItWorks(wasmEcies);
  return {
    ...base,
    ...(frameEngine === undefined ? {} : { frameEngine }),
    ...(ecies === undefined ? {} : { ecies }),
    name,
    publicKey: curve.publicKey,
    ecdh: curve.ecdh,
    sign: curve.sign,
    recover: curve.recover,
    ...hashesOf(keccak),
  };
}

function hashesOf({ keccak256, keccakStream }: Keccak): Keccak {
  return { keccak256, keccakStream };
}

/** Without WebAssembly's vectors, frames and sealed messages are made of the single primitives. */
function whereItWorks<Engine>(make: () => Engine): Engine | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

/** The first that can be made, and why those before it cannot; the last always can. */
function firstOf<Part>(candidates: readonly (readonly [from: string, make: () => Part])[]): {
  readonly part: Part;
  readonly from: string;
  readonly lost: readonly string[];
} {
  const lost: string[] = [];
  for (const [from, make] of candidates) {
    try {
      return { part: make(), from, lost };
    } catch (error) {
      lost.push(`by ${from}: ${error instanceof Error ? error.message : 'cannot be made'}`);
    }
  }
  throw new Error(lost.join(', '));
}
