import type { World } from '../world.js';
import { realClock } from './clock.js';
import { realDns } from './dns.js';
import { realFiles } from './files.js';
import { realIpc } from './ipc.js';
import { realRandom } from './random.js';
import { realStores } from './stores.js';
import { realTcp } from './tcp.js';
import { realWeb } from './web.js';
import { realWorkers } from './workers.js';

/** The outside world itself: the system's clock, randomness, sockets, resolver, files and stores. */
export function realWorld(): World {
  return {
    clock: realClock,
    random: realRandom,
    tcp: realTcp,
    dns: realDns,
    files: realFiles,
    stores: realStores,
    ipc: realIpc,
    web: realWeb(),
    workers: realWorkers,
  };
}
