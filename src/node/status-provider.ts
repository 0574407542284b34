import type { ChainBackend } from '../chain/index.js';
import {
  type ChainSpec,
  checkStatus,
  decodeHeader,
  type EthError,
  type EthVersion,
  forkFilter,
  forkId,
  type Status,
} from '../eth/index.js';
import type { StatusProvider } from '../session/index.js';

/** Status as the chain stands when a session asks, and peers judged by the same chain. */
export function chainStatus(backend: Pick<ChainBackend, 'chain' | 'range'>): StatusProvider {
  const { chain } = backend;
  const head = (): { number: bigint; time: bigint } => {
    const { latest, latestTime } = backend.range();
    return { number: latest, time: latestTime };
  };
  const filter = forkFilter(chain, head);
  // A chain that was merged from its genesis on, or is long past the merge, adds no difficulty; eth/68 peers compare
  // it with nothing any more, and adding it up over a mainnet would cost a pass over all headers.
  const { difficulty } = decodeHeader(chain.genesisHeader);
  const status = (version: EthVersion): Status => {
    const { networkId, genesisHash } = chain;
    const { earliest, latest, latestHash } = backend.range();
    const common = { networkId, genesisHash, forkId: forkId(chain, head()) };
    if (version === 68) return { version, ...common, totalDifficulty: difficulty, bestHash: latestHash };
    return { version, ...common, earliest, latest, latestHash };
  };
  return {
    status,
    check: (remote: Status, version: EthVersion): EthError | undefined =>
      checkStatus(status(version), remote, filter),
  };
}

/** A node that stands at the genesis of a chain: enough for `ping` to be on it. */
export function genesisStatus(chain: ChainSpec): StatusProvider {
  const range = { earliest: 0n, latest: 0n, latestHash: chain.genesisHash, latestTime: chain.genesisTime };
  return chainStatus({ chain, range: () => range });
}

/** No chain of our own: the peer speaks first and hears the same back. */
export function mirrorStatus(): StatusProvider {
  return {
    mirror: true,
    status: () => {
      throw new Error('a mirror has no Status of its own');
    },
    check: () => undefined,
  };
}
