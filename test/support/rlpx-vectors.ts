import { readFileSync } from 'node:fs';
import { hexToBytes } from '../../src/codec/index.js';

interface Eip8File {
  readonly keys: Readonly<
    Record<
      'static_key_a' | 'static_key_b' | 'ephemeral_key_a' | 'ephemeral_key_b' | 'nonce_a' | 'nonce_b',
      string
    >
  >;
  readonly auth: Readonly<Record<'plain_v4' | 'eip8_v4' | 'eip8_v56_extra', string>>;
  readonly ack: Readonly<Record<'plain_v4' | 'eip8_v4' | 'eip8_v57_extra', string>>;
  readonly derived_from_auth_eip8_v4_ack_eip8_v4: Readonly<
    Record<'aes_secret' | 'mac_secret' | 'ingress_mac_of_B_updated_with_ascii_foo', string>
  >;
  readonly hello_v22_extra: string;
}

type Bytes<T> = { readonly [K in keyof T]: T[K] extends string ? Uint8Array : Bytes<T[K]> };

function decoded<T>(value: T): Bytes<T> {
  if (typeof value === 'string') return (/^[0-9a-f]+$/.test(value) ? hexToBytes(value) : value) as Bytes<T>;
  return Object.fromEntries(
    Object.entries(value as object).map(([key, item]) => [key, decoded(item)]),
  ) as Bytes<T>;
}

/** The vectors of EIP-8: node A dials node B. */
export const eip8: Bytes<Eip8File> = decoded(
  JSON.parse(readFileSync(new URL('../vectors/eip8-handshake.json', import.meta.url), 'utf8')) as Eip8File,
);
