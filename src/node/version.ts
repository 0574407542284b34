import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { assertPatchedNode, type Logger } from '../runtime/index.js';

/** The version of this package, as its package.json has it: `0.1.0`. */
export const RLPXD_VERSION: string = readVersion();

/** What we call ourselves in Hello: `rlpxd/v<version>/<os>-<arch>/node<version>`. */
export function clientName(
  host: {
    readonly platform: string;
    readonly arch: string;
    readonly versions: { readonly node?: string };
  } = process,
): string {
  return `rlpxd/v${RLPXD_VERSION}/${host.platform}-${host.arch}/node${host.versions.node ?? ''}`;
}

/** The package asks itself by name, which holds in the sources, in `dist` and where it is installed. */
function readVersion(): string {
  const facts: unknown = createRequire(import.meta.url)('rlpxd/package.json');
  if (typeof facts !== 'object' || facts === null || !('version' in facts)) return '';
  return String(facts.version);
}

/** Where a file of this package is, by its path from the root. */
export function packageFile(...path: readonly string[]): string {
  return join(dirname(createRequire(import.meta.url).resolve('rlpxd/package.json')), ...path);
}

/** Says on the log that this Node lacks fixes that matter to who talks with strangers. @throws RuntimeError ERR_RUNTIME_NODE_VERSION where it is too old to run us */
export function warnOfOldNode(logger: Logger): void {
  const { node } = process.versions;
  const warning = assertPatchedNode(node);
  if (warning !== undefined) logger.warn({ event: 'node.version', node }, warning);
}
