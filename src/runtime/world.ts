import type { Clock } from './clock.js';
import type { Dns } from './dns.js';
import type { Files } from './files.js';
import type { Ipc } from './ipc.js';
import type { KeyValueStores } from './key-value.js';
import type { Random } from './random.js';
import type { Tcp } from './tcp.js';
import type { Web } from './web.js';
import type { Workers } from './workers.js';

/** The outside world in one object. Rooms take the parts they need; `src/node` passes the real one, tests a simulated one. */
export interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly tcp: Tcp;
  readonly dns: Dns;
  readonly files: Files;
  readonly stores: KeyValueStores;
  readonly ipc: Ipc;
  readonly web: Web;
  readonly workers: Workers;
}
