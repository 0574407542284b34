import type { DrainLoad } from './draining.js';
import type { EthTraffic } from './eth-traffic.js';
import type { QueueGauges } from './handle.js';
import type { Outgoing } from './outgoing.js';
import type { Satellites } from './satellites.js';

/** What waits in each direction of one session. */
export function queueGauges(
  outgoing: Outgoing,
  traffic: EthTraffic,
  { held }: Pick<Satellites, 'held'>,
): QueueGauges {
  const { responses, requests, range, broadcasts, broadcastsDropped, satellites } = outgoing;
  return {
    ...{ responses, requests, range, broadcasts, broadcastsDropped, satellites },
    satellitesHeld: held,
    known: traffic.broadcasts.known.size,
    requestsOpen: traffic.requests.size,
    callers: traffic.requests.callers,
    serving: traffic.serving.running,
    parked: traffic.serving.parked,
  };
}

/** What closing now would abandon. */
export function unfinishedLoad(outgoing: Outgoing, { requests, serving }: EthTraffic): DrainLoad {
  const { responses, range, broadcasts, satellites } = outgoing;
  return {
    ours: requests.waiting,
    theirs: serving.running + serving.parked.items,
    messages: responses.items + outgoing.requests.items + range.items + broadcasts.items + satellites.items,
  };
}
