// What one session may hold at most, by the constants of the rooms: the sum that its memory is measured against.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export async function memoryBounds(library) {
  const from = (path) => import(pathToFileURL(join(library, 'src', path)).href);
  const { RESPONSE_LANE, REQUEST_LANE, RANGE_LANE, BROADCAST_LANE, SATELLITE_LANES } =
    await from('session/outgoing.js');
  const { MAX_PARKED_BYTES, MAX_EXCESS_BYTES, MAX_ANSWER_BYTES, MAX_SERVING } =
    await from('session/serving.js');
  const { MAX_HELD_BYTES } = await from('session/held-input.js');
  const { MAX_UNFINISHED_BYTES } = await from('session/satellites.js');
  const { MAX_FRAME_BYTES } = await from('rlpx/frame.js');
  const parts = {
    lanes: [RESPONSE_LANE, REQUEST_LANE, RANGE_LANE, BROADCAST_LANE, SATELLITE_LANES].reduce(
      (sum, { maxBytes }) => sum + maxBytes,
      0,
    ),
    parkedRequests: MAX_PARKED_BYTES + MAX_EXCESS_BYTES,
    heldInput: MAX_HELD_BYTES + MAX_UNFINISHED_BYTES,
    answersBeingMade: MAX_SERVING * MAX_ANSWER_BYTES,
    frameArriving: MAX_FRAME_BYTES,
    messageDecompressed: MAX_FRAME_BYTES,
  };
  return { parts, perSessionBytes: Object.values(parts).reduce((sum, bytes) => sum + bytes, 0) };
}
