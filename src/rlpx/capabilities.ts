/** A protocol that a node speaks above RLPx, in one version: `eth` 69. */
export interface Capability {
  readonly name: string;
  readonly version: number;
}

/** One of ours; `length` is how many message ids it takes. */
export interface LocalCapability extends Capability {
  readonly length: number;
}

/** One that both speak; its ids on the wire are `offset` to `offset + length − 1`. */
export interface SharedCapability extends LocalCapability {
  readonly offset: number;
}

/** Ids below belong to the base protocol (devp2p, "Message Contents"). */
export const BASE_PROTOCOL_IDS = 16;

/**
 * What both ends speak: per name the highest version in common, offsets in alphabetical order of the names. Linear in both
 * lists whatever a peer puts in its own, and independent of the order of either (devp2p, "Capability Messaging").
 */
export function matchCapabilities(
  local: readonly LocalCapability[],
  remote: readonly Capability[],
): readonly SharedCapability[] {
  const offered = new Map<string, Set<number>>();
  for (const { name, version } of remote) {
    const versions = offered.get(name);
    if (versions === undefined) offered.set(name, new Set([version]));
    else versions.add(version);
  }
  const best = new Map<string, LocalCapability>();
  for (const capability of local) {
    if (!offered.get(capability.name)?.has(capability.version)) continue;
    const known = best.get(capability.name);
    if (known === undefined || known.version < capability.version) best.set(capability.name, capability);
  }
  const shared: SharedCapability[] = [];
  let offset = BASE_PROTOCOL_IDS;
  // Names are ASCII, so the order of UTF-16 units is that of bytes.
  for (const { name, version, length } of [...best.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    shared.push({ name, version, length, offset });
    offset += length;
  }
  return shared;
}
