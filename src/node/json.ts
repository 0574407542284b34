import { prefixedHex } from '../codec/index.js';

/** What JSON can carry. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/**
 * A value as JSON carries it: bytes as 0x-hex, big integers as numbers where they are exact and as decimal text where
 * not, maps and sets as lists, errors as their code and message. Missing values are left out.
 */
export function toJson(value: unknown): Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'bigint':
      return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER
        ? Number(value)
        : String(value);
    case 'object':
      return value === null ? null : objectToJson(value);
    default:
      return String(value);
  }
}

function objectToJson(value: object): Json {
  if (value instanceof Uint8Array) return prefixedHex(value);
  if (value instanceof Error) {
    const code = 'code' in value ? { code: String(value.code) } : {};
    return { ...code, says: value.message };
  }
  if (Symbol.iterator in value) return [...(value as Iterable<unknown>)].map(toJson);
  const out: Record<string, Json> = {};
  for (const [name, item] of Object.entries(value)) if (item !== undefined) out[name] = toJson(item);
  return out;
}
