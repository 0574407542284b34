/**
 * A second opinion on RLP for the tests: slow, recursive, in bigints, and written from the definition alone.
 * Knows nothing of `src/codec`.
 */
export type Item = Uint8Array | readonly Item[];

export type Opinion =
  | { readonly ok: true; readonly item: Item; readonly consumed: number }
  | { readonly ok: false };

const refused: Opinion = { ok: false };

/** The first item of the bytes, or that there is none in canonical form. */
export function firstItem(bytes: Uint8Array): Opinion {
  const first = bytes[0];
  if (first === undefined) return refused;
  if (first < 0x80) return { ok: true, item: bytes.slice(0, 1), consumed: 1 };
  const list = first >= 0xc0;
  const offset = first - (list ? 0xc0 : 0x80);
  let head = 1n;
  let length = BigInt(offset);
  if (offset > 55) {
    const lengthBytes = bytes.slice(1, 1 + offset - 55);
    if (lengthBytes.length < offset - 55 || lengthBytes[0] === 0) return refused;
    length = BigInt(`0x${Array.from(lengthBytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`);
    if (length < 56n) return refused;
    head = BigInt(1 + offset - 55);
  }
  if (head + length > BigInt(bytes.length)) return refused;
  const content = bytes.slice(Number(head), Number(head + length));
  const consumed = Number(head + length);
  if (!list) {
    if (content.length === 1 && (content[0] as number) < 0x80) return refused;
    return { ok: true, item: content, consumed };
  }
  const items: Item[] = [];
  for (let rest = content; rest.length > 0; ) {
    const inner = firstItem(rest);
    if (!inner.ok) return refused;
    items.push(inner.item);
    rest = rest.slice(inner.consumed);
  }
  return { ok: true, item: items, consumed };
}
