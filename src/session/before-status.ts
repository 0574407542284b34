import { MAX_SMALL_MESSAGE_BYTES } from '../eth/index.js';
import type { SharedCapability } from '../rlpx/index.js';
import { type SatelliteRegistry, satelliteCap } from './satellite.js';

/** Snappy may make bytes longer: by a sixth in the worst encoder that its format allows, and a few bytes beside it. */
const FRAME_SLACK = 7 / 6;
const FRAME_SLACK_BYTES = 64;

/**
 * What a frame may have between Hello and Status: Status itself, and the first words of the protocols beside eth, which need
 * not wait for it. So whoever has not said what chain it follows makes us keep next to nothing.
 */
export function mostBeforeStatus(
  shared: readonly SharedCapability[],
  satellites: Pick<SatelliteRegistry, 'find'>,
): number {
  let mostBytes = MAX_SMALL_MESSAGE_BYTES;
  for (const capability of shared) {
    const protocol = capability.name === 'eth' ? undefined : satellites.find(capability);
    for (let id = 0; id < (protocol?.length ?? 0); id++)
      mostBytes = Math.max(mostBytes, protocol === undefined ? 0 : (satelliteCap(protocol, id) ?? 0));
  }
  return Math.ceil(mostBytes * FRAME_SLACK) + FRAME_SLACK_BYTES;
}
