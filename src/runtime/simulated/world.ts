import type { World } from '../world.js';
import { VirtualClock } from './clock.js';
import { SimulatedDns } from './dns.js';
import { SimulatedFiles } from './files.js';
import type { SimulatedHost } from './host.js';
import { SimulatedIpc } from './ipc.js';
import { SimulatedNetwork } from './network.js';
import { type SeededRandom, seededRandom } from './random.js';
import { SimulatedStores } from './stores.js';
import { SimulatedWeb } from './web.js';
import { SimulatedWorkers } from './workers.js';

export interface SimulatedWorldOptions {
  /** All that is random in this world comes from it. */
  readonly seed: number | string;
  /** Default: the network's clock, or a new one. */
  readonly clock?: VirtualClock;
  /** Default: a network of its own. Several worlds on one network are several hosts. */
  readonly network?: SimulatedNetwork;
  /** The IP address of this world on the network. Default 10.0.0.1. */
  readonly host?: string;
}

/** A world in memory, with the handles by which a test moves it. */
export interface SimulatedWorld extends World {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly network: SimulatedNetwork;
  readonly tcp: SimulatedHost;
  readonly dns: SimulatedDns;
  readonly files: SimulatedFiles;
  readonly stores: SimulatedStores;
  readonly ipc: SimulatedIpc;
  readonly web: SimulatedWeb;
  readonly workers: SimulatedWorkers;
}

/**
 * @returns a world in memory: same seed, same course of events.
 * @throws Error for a clock that is not the network's: time would go at two speeds.
 */
export function simulatedWorld(options: SimulatedWorldOptions): SimulatedWorld {
  const { seed, host = '10.0.0.1' } = options;
  const clock = options.clock ?? options.network?.clock ?? new VirtualClock();
  const network = options.network ?? new SimulatedNetwork({ clock, seed });
  if (network.clock !== clock) throw new Error('the network runs on another clock');
  return {
    clock,
    random: seededRandom(seed).fork(host),
    network,
    tcp: network.host(host),
    dns: new SimulatedDns(clock),
    files: new SimulatedFiles(),
    stores: new SimulatedStores(),
    ipc: new SimulatedIpc(clock),
    web: new SimulatedWeb(clock),
    workers: new SimulatedWorkers(clock),
  };
}
