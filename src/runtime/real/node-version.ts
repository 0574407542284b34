import { RuntimeError } from '../errors.js';

/** The oldest Node that rlpxd runs on (`engines` in package.json). */
const OLDEST = [20, 19, 0] as const;

/**
 * First releases that have the fixes for CVE-2025-23166 (a peer's bytes in asynchronous cryptography end the process)
 * and CVE-2025-59466 (deep recursion under async hooks cannot be caught), per major line. Lines that are missing
 * were out of support by then and never got both.
 */
const PATCHED: ReadonlyMap<number, readonly [number, number, number]> = new Map([
  [20, [20, 20, 0]],
  [22, [22, 22, 0]],
  [24, [24, 13, 0]],
  [25, [25, 3, 0]],
]);

/** From here on every line was born with the fixes. */
const FIRST_CLEAN_MAJOR = 26;

function isBelow(version: readonly number[], other: readonly number[]): boolean {
  for (let i = 0; i < 3; i++) {
    const a = version[i] ?? 0;
    const b = other[i] ?? 0;
    if (a !== b) return a < b;
  }
  return false;
}

/**
 * Whether this Node may face peers.
 * @param version as `process.version` or `process.versions.node` have it: `v20.20.0`, `22.22.0-nightly`
 * @returns a warning for the log where the release lacks known fixes, else undefined.
 * @throws RuntimeError ERR_RUNTIME_NODE_VERSION for a Node that is too old, or a text that is no version.
 */
export function assertPatchedNode(version: string): string | undefined {
  const match = /^v?(\d{1,4})\.(\d{1,4})\.(\d{1,4})(?:[-+].*)?$/.exec(version);
  if (match === null) {
    throw new RuntimeError('ERR_RUNTIME_NODE_VERSION', `not a version of Node: "${version.slice(0, 64)}"`);
  }
  const found = match.slice(1, 4).map(Number);
  const major = found[0] ?? 0;
  if (isBelow(found, OLDEST)) {
    throw new RuntimeError(
      'ERR_RUNTIME_NODE_VERSION',
      `Node ${found.join('.')} is too old: rlpxd needs ${OLDEST.join('.')} or newer`,
    );
  }
  if (major >= FIRST_CLEAN_MAJOR) return undefined;
  const patched = PATCHED.get(major);
  if (patched !== undefined && !isBelow(found, patched)) return undefined;
  const newer = patched === undefined ? '24.13.0 or newer' : `${patched.join('.')} or newer`;
  return `Node ${found.join('.')} lacks fixes for CVE-2025-23166 and CVE-2025-59466: a peer might end this process; use Node ${newer}`;
}
