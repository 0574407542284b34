/**
 * A world in memory for tests of what is built on rlpxd: time that stands still until it is advanced, networks that
 * can be slow, cut and broken, files and stores that can fail, and one seed from which all of it replays; and peers that
 * do what a test tells them, in that world or in the real one.
 *
 * ```ts
 * const clock = new VirtualClock();
 * const network = new SimulatedNetwork({ clock, seed: 1 });
 * const alice = simulatedWorld({ seed: 1, network, host: '10.0.0.1' });
 * const bob = simulatedWorld({ seed: 1, network, host: '10.0.0.2' });
 * await clock.advance(1_000);
 * ```
 * @module
 */
export {
  type Clock,
  type FileOperation,
  type LinkOptions,
  type SeededRandom,
  SimulatedDns,
  type SimulatedDnsOptions,
  SimulatedFiles,
  type SimulatedHost,
  SimulatedNetwork,
  type SimulatedNetworkOptions,
  SimulatedStores,
  type SimulatedWorld,
  type SimulatedWorldOptions,
  seededRandom,
  simulatedWorld,
  VirtualClock,
  type VirtualClockOptions,
  type World,
} from '../runtime/index.js';
export { TestingError, type TestingErrorCode } from './errors.js';
export type { ExpectOptions, HeardMessage } from './expectations.js';
export type { ScriptedBehaviour, ScriptedEnd, ScriptedStep } from './scripted-behaviour.js';
export { ScriptedPeer, type ScriptedPeerOptions, type ScriptedTarget } from './scripted-peer.js';
export type { ScriptedSession } from './scripted-session.js';
