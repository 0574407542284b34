import { CodecError, hexToBytes } from '../../codec/index.js';
import { EthError } from '../errors.js';

/** Text of a JSON number that a double may not hold exactly: 16 digits and more. A string before it is passed over whole. */
const STRINGS_AND_LONG_NUMBERS: RegExp = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d{16,}(?![\d.eE])/g;

/** @returns a value parsed by JSON, with long integers as strings: genesis files write balances as bare numbers, too. */
export function parseGenesis(text: string): unknown {
  const quoted = text.replace(STRINGS_AND_LONG_NUMBERS, (token) =>
    token.startsWith('"') ? token : `"${token}"`,
  );
  try {
    return JSON.parse(quoted);
  } catch (error) {
    throw new EthError('ERR_ETH_GENESIS', `genesis: not JSON (${(error as Error).message})`, {
      cause: error,
    });
  }
}

/** One object of a genesis file, read field by field. Every fault names the field by its path. */
export class GenesisReader {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #path: string;

  /** @throws EthError ERR_ETH_GENESIS where the value is no object */
  constructor(value: unknown, path = '') {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new EthError(
        'ERR_ETH_GENESIS',
        `genesis: ${path === '' ? 'no JSON object' : `${path}: no object`}`,
      );
    }
    this.#fields = value as Readonly<Record<string, unknown>>;
    this.#path = path;
  }

  /** Whether the field is there; null counts as missing. */
  has(name: string): boolean {
    return this.#value(name) !== undefined;
  }

  object(name: string): GenesisReader {
    return new GenesisReader(this.#required(name), this.#pathOf(name));
  }

  /** All fields in their order, each as a reader of its object. */
  *objects(): Generator<readonly [name: string, object: GenesisReader]> {
    for (const name of Object.keys(this.#fields)) yield [name, this.object(name)];
  }

  names(): readonly string[] {
    return Object.keys(this.#fields);
  }

  /** An unsigned integer: JSON number, decimal text, or hexadecimal text with `0x`. */
  uint(name: string, bits: 64 | 256): bigint {
    const value = toBigint(this.#required(name));
    if (value === undefined) throw this.fault(name, 'no unsigned integer (write long ones as text)');
    if (value >> BigInt(bits) !== 0n) throw this.fault(name, `does not fit into ${bits} bits`);
    return value;
  }

  optionalUint(name: string, bits: 64 | 256): bigint | undefined {
    return this.has(name) ? this.uint(name, bits) : undefined;
  }

  /** Bytes in hexadecimal, with or without `0x`; none where the field is missing. */
  bytes(name: string, maxBytes: number = Number.POSITIVE_INFINITY): Uint8Array {
    const value = this.#value(name);
    if (value === undefined) return new Uint8Array(0);
    const bytes = this.#fromHex(name, value);
    if (bytes.length <= maxBytes) return bytes;
    throw this.fault(name, `at most ${maxBytes} bytes wanted, ${bytes.length} given`);
  }

  /** Exactly so many bytes; zeros where the field is missing. */
  fixed(name: string, length: number): Uint8Array {
    if (!this.has(name)) return new Uint8Array(length);
    const bytes = this.bytes(name);
    if (bytes.length !== length) throw this.fault(name, `${length} bytes wanted, ${bytes.length} given`);
    return bytes;
  }

  /** At most so many bytes, with zeros put before what is shorter. */
  padded(name: string, length: number): Uint8Array {
    return this.#pad(name, this.#fromHex(name, this.#required(name)), length);
  }

  /** The name of a field that is itself bytes in hexadecimal. */
  paddedName(name: string, length: number): Uint8Array {
    return this.#pad(name, this.#fromHex(name, name), length);
  }

  fixedName(name: string, length: number): Uint8Array {
    const bytes = this.#fromHex(name, name);
    if (bytes.length !== length) throw this.fault(name, `the name has not ${length} bytes`);
    return bytes;
  }

  fault(name: string, says: string): EthError {
    return new EthError('ERR_ETH_GENESIS', `genesis: ${this.#pathOf(name)}: ${says}`);
  }

  /** true or false; false where the field is missing. */
  flag(name: string): boolean {
    const value = this.#value(name) ?? false;
    if (typeof value !== 'boolean') throw this.fault(name, 'neither true nor false');
    return value;
  }

  #value(name: string): unknown {
    const value = Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
    return value === null ? undefined : value;
  }

  #required(name: string): unknown {
    const value = this.#value(name);
    if (value === undefined) throw this.fault(name, 'is missing');
    return value;
  }

  #fromHex(name: string, value: unknown): Uint8Array {
    if (typeof value !== 'string') throw this.fault(name, 'no text');
    try {
      return hexToBytes(value);
    } catch (error) {
      if (error instanceof CodecError) throw this.fault(name, error.message);
      throw error;
    }
  }

  #pad(name: string, bytes: Uint8Array, length: number): Uint8Array {
    if (bytes.length > length)
      throw this.fault(name, `at most ${length} bytes wanted, ${bytes.length} given`);
    const padded = new Uint8Array(length);
    padded.set(bytes, length - bytes.length);
    return padded;
  }

  #pathOf(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }
}

function toBigint(value: unknown): bigint | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : undefined;
  if (typeof value === 'bigint') return value >= 0n ? value : undefined;
  if (typeof value !== 'string') return undefined;
  return /^(?:0[xX][0-9a-fA-F]+|[0-9]+)$/.test(value) ? BigInt(value) : undefined;
}
