import { createRequire } from 'node:module';

/** All that is ever loaded so: nothing that comes from outside names a package. */
export type OptionalPackage = 'secp256k1/bindings.js' | 'tiny-secp256k1';

/** Loads a package that need not be installed, at once. @throws Error where it is not, or does not load */
export type PackageLoader = (specifier: OptionalPackage) => unknown;

/** As it is installed beside this one. */
export function installedPackage(specifier: OptionalPackage): unknown {
  return createRequire(import.meta.url)(specifier);
}

/**
 * Loads a package and makes sure that it has the functions that will be called: an optional package may be there in another
 * version, or be something else altogether.
 * @throws Error that says in one line what is wrong
 */
export function loadPackage<T>(
  load: PackageLoader,
  specifier: OptionalPackage,
  functions: readonly (keyof T & string)[],
): T {
  const name = specifier.split('/')[0];
  let loaded: unknown;
  try {
    loaded = load(specifier);
  } catch (error) {
    throw new Error(`${name} ${whyNot(error)}`, { cause: error });
  }
  const members = (typeof loaded === 'object' && loaded !== null ? loaded : {}) as Record<string, unknown>;
  const lacking = functions.find((member) => typeof members[member] !== 'function');
  if (lacking !== undefined) throw new Error(`${name} has no function ${lacking}`);
  return loaded as T;
}

/** One line: what follows the first tells paths of this machine. */
function whyNot(error: unknown): string {
  if (!(error instanceof Error)) return 'does not load';
  if ((error as { readonly code?: unknown }).code === 'MODULE_NOT_FOUND') return 'is not installed';
  return `does not load: ${error.message.split('\n')[0]}`;
}
