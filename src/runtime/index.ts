/**
 * The outside world: what the rooms above see of it, and its real and simulated twins.
 * @module
 */
export { type Clock, nextTurn, type Timer } from './clock.js';
export type { Dns } from './dns.js';
export { RuntimeError, type RuntimeErrorCode } from './errors.js';
export type { FileFacts, Files, FileWriter } from './files.js';
export type { Ipc, IpcListener, IpcSocket } from './ipc.js';
export type { KeyRange, KeyValueChange, KeyValueStore, KeyValueStores } from './key-value.js';
export { Listeners } from './listeners.js';
export * from './logger.js';
export type { Random } from './random.js';
export { realClock } from './real/clock.js';
export { realDns } from './real/dns.js';
export { realFiles } from './real/files.js';
export { realIpc } from './real/ipc.js';
export { assertPatchedNode } from './real/node-version.js';
export { realRandom } from './real/random.js';
export { realStores } from './real/stores.js';
export { realTcp } from './real/tcp.js';
export { realWeb } from './real/web.js';
export { realWorkers } from './real/workers.js';
export { realWorld } from './real/world.js';
export { VirtualClock, type VirtualClockOptions } from './simulated/clock.js';
export { SimulatedDns, type SimulatedDnsOptions } from './simulated/dns.js';
export { type FileOperation, SimulatedFiles } from './simulated/files.js';
export type { SimulatedHost } from './simulated/host.js';
export { SimulatedIpc } from './simulated/ipc.js';
export type { LinkOptions } from './simulated/link.js';
export { SimulatedNetwork, type SimulatedNetworkOptions } from './simulated/network.js';
export { type SeededRandom, seededRandom } from './simulated/random.js';
export { SimulatedStores } from './simulated/stores.js';
export { SimulatedWeb, type SimulatedWebPeer, type SimulatedWebServer } from './simulated/web.js';
export { SimulatedWorkers } from './simulated/workers.js';
export { type SimulatedWorld, type SimulatedWorldOptions, simulatedWorld } from './simulated/world.js';
export type { Tcp, TcpAddress, TcpConnectOptions, TcpListener, TcpSocket, TcpSocketHandlers } from './tcp.js';
export { WRITE_HIGH_WATER_BYTES } from './tcp.js';
export {
  publicUrl,
  type Web,
  type WebLink,
  type WebPostOptions,
  type WebSocketHandlers,
  type WebSocketOptions,
} from './web.js';
export type { WorkerModule, Workers, WorkerTask, WorkerThread } from './workers.js';
export type { World } from './world.js';
