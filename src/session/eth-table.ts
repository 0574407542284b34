import type { EthProtocol } from '../eth/index.js';

/** The messages of the version that was agreed on. */
export type EthTable = Pick<EthProtocol, 'byId' | 'byName'> & {
  readonly version: EthProtocol['version'] | 0;
};

/** Of a session that speaks no eth: there is no message in it. */
export const NO_ETH: EthTable = { version: 0, byId: [], byName: new Map() };
