import { CodecError, encodeBytes, encodeList, encodeUint, RlpReader } from '../codec/index.js';
import type { Capability } from './capabilities.js';
import { RlpxError } from './errors.js';

/** What a node says of itself, first thing after the handshake. */
export interface Hello {
  /** Version of the base protocol; 5 and above compress messages with snappy (EIP-706). */
  readonly p2pVersion: number;
  /** Name of the software; may be empty. Control characters were replaced, so that it can be printed. */
  readonly clientId: string;
  readonly capabilities: readonly Capability[];
  /** 0 where the node does not say; geth never does. */
  readonly listenPort: number;
  /** 64 bytes, equal to the key that the handshake proved. */
  readonly publicKey: Uint8Array;
}

/** The version that we speak (devp2p, "Known Problems / Changelog"; EIP-706). */
export const P2P_VERSION = 5;
/** From this version on, messages are compressed once both Hellos are through (EIP-706). */
export const SNAPPY_P2P_VERSION = 5;
/** What geth allows, too (`baseProtocolMaxMsgSize`). */
export const MAX_HELLO_BYTES = 2_048;
/** Capabilities beyond these are not looked at; nodes in the wild have fewer than ten. */
export const MAX_CAPABILITIES = 64;
/** Names are at most 8 ASCII characters (devp2p, "Hello"); longer ones are ignored, nobody can share them. */
export const MAX_CAPABILITY_NAME_BYTES = 8;

const PUBLIC_KEY_BYTES = 64;
const MAX_PORT = 65_535;

/** `[p2pVersion, clientId, [[name, version]…], listenPort, publicKey]` @throws RlpxError ERR_RLPX_ARGUMENT above 2 KiB */
export function encodeHello(hello: Hello): Uint8Array {
  const encoder = new TextEncoder();
  const payload = encodeList([
    encodeUint(hello.p2pVersion),
    encodeBytes(encoder.encode(hello.clientId)),
    encodeList(
      hello.capabilities.map(({ name, version }) =>
        encodeList([encodeBytes(encoder.encode(name)), encodeUint(version)]),
      ),
    ),
    encodeUint(hello.listenPort),
    encodeBytes(hello.publicKey),
  ]);
  if (payload.length <= MAX_HELLO_BYTES) return payload;
  throw new RlpxError(
    'ERR_RLPX_ARGUMENT',
    `Hello would have ${payload.length} bytes, ${MAX_HELLO_BYTES} may be`,
  );
}

/**
 * Reads a peer's Hello. Elements after the fifth and bytes after the list are left alone (EIP-8).
 * @returns memory of its own
 * @throws RlpxError ERR_RLPX_HELLO for what cannot be read, ERR_RLPX_IDENTITY for a key that has not 64 bytes or is all zero
 */
export function decodeHello(payload: Uint8Array): Hello {
  if (payload.length > MAX_HELLO_BYTES) {
    throw new RlpxError('ERR_RLPX_HELLO', `a Hello of ${payload.length} bytes, ${MAX_HELLO_BYTES} may be`);
  }
  try {
    const list = new RlpReader(payload).list();
    const p2pVersion = safeNumber(list.uint());
    const clientId = printable(list.bytes());
    const capabilities = readCapabilities(list.list());
    const port = list.uint();
    const publicKey = list.bytes().slice();
    if (publicKey.length !== PUBLIC_KEY_BYTES || publicKey.every((byte) => byte === 0)) {
      throw new RlpxError('ERR_RLPX_IDENTITY', 'Hello names no key');
    }
    return { p2pVersion, clientId, capabilities, listenPort: port > MAX_PORT ? 0 : Number(port), publicKey };
  } catch (error) {
    if (error instanceof CodecError) throw new RlpxError('ERR_RLPX_HELLO', undefined, { cause: error });
    throw error;
  }
}

function readCapabilities(list: RlpReader): Capability[] {
  const capabilities: Capability[] = [];
  for (let seen = 0; seen < MAX_CAPABILITIES && !list.done; seen++) {
    const item = list.list();
    const name = capabilityName(item.bytes());
    const version = item.uint();
    // What cannot be one of ours is not kept: it could only surprise whoever prints it.
    if (name !== undefined && version <= 0xffff_ffffn) capabilities.push({ name, version: Number(version) });
  }
  return capabilities;
}

function capabilityName(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0 || bytes.length > MAX_CAPABILITY_NAME_BYTES) return undefined;
  if (!bytes.every((byte) => byte > 0x20 && byte < 0x7f)) return undefined;
  return String.fromCharCode(...bytes);
}

/** A client's name ends up on terminals and in logs: no escape sequence may travel in it. */
function printable(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).replace(/\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/gu, '\ufffd');
}

function safeNumber(value: bigint): number {
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
}
