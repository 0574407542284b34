import { describe, expect, it } from 'vitest';
import {
  blockRangeFault,
  builtInChain,
  checkStatus,
  type EthError,
  ethProtocol,
  forkFilter,
  forkId,
  type RangeStatus,
  type Status68,
} from '../../src/eth/index.js';
import { hash } from '../support/eth-vectors.js';

const chain = builtInChain('mainnet');
const head = { number: 25_000_000n, time: 1_767_800_000n };
const filter = forkFilter(chain, () => head);
const local: RangeStatus = {
  version: 69,
  networkId: 1n,
  genesisHash: chain.genesisHash,
  forkId: forkId(chain, head),
  earliest: 0n,
  latest: head.number,
  latestHash: hash('ab'),
};
const local68: Status68 = {
  version: 68,
  networkId: 1n,
  genesisHash: chain.genesisHash,
  forkId: local.forkId,
  totalDifficulty: 58_750_003_716_598_352_816_469n,
  bestHash: hash('ab'),
};

function fault(changes: Partial<RangeStatus>): Pick<EthError, 'code' | 'reason' | 'message'> | undefined {
  const error = checkStatus(local, { ...local, ...changes }, filter);
  return error && { code: error.code, reason: error.reason, message: error.message };
}

const elsewhere: Partial<RangeStatus> = { networkId: 2n };
const otherVersion: Partial<RangeStatus> = { version: 70 };
const otherGenesis: Partial<RangeStatus> = { genesisHash: hash('cd') };
const otherFork: Partial<RangeStatus> = { forkId: { hash: Uint8Array.of(1, 2, 3, 4), next: 0n } };
const noRange: Partial<RangeStatus> = { latestHash: hash('') };

describe('Status of a peer', () => {
  it('on our chain is accepted, wherever its head is', () => {
    expect(fault({})).toBeUndefined();
    expect(fault({ latest: 3n, forkId: forkId(chain, { number: 3n, time: 0n }) })).toBeUndefined();
    expect(checkStatus(local68, { ...local68, bestHash: hash('') }, filter)).toBeUndefined();
  });

  it('is judged in the order of geth: network, version, genesis, fork id, range', () => {
    const order = [elsewhere, otherVersion, otherGenesis, otherFork, noRange];
    const found = order.map((_, i) => fault(Object.assign({}, ...order.slice(i)))?.code);
    expect(found).toEqual([
      'ERR_ETH_STATUS_NETWORK',
      'ERR_ETH_STATUS_VERSION',
      'ERR_ETH_STATUS_GENESIS',
      'ERR_ETH_STATUS_FORK_ID',
      'ERR_ETH_STATUS_RANGE',
    ]);
  });

  it('of another chain ends with 16, as on geth: 2 and 3 would ban for hours elsewhere', () => {
    expect(fault(elsewhere)).toEqual({
      code: 'ERR_ETH_STATUS_NETWORK',
      reason: 16,
      message: 'Status: network 2, ours is 1',
    });
    expect(fault(otherGenesis)).toMatchObject({ reason: 16 });
    expect(fault(otherFork)).toMatchObject({ reason: 16, message: expect.stringContaining('01020304') });
  });

  it('that misses a fork is told apart from one of another chain', () => {
    const old = forkId(chain, { number: 12_965_000n, time: 0n });
    expect(fault({ forkId: { ...old, next: 0n } })?.message).toContain('the remote misses a fork');
    expect(fault(otherFork)?.message).toContain('the chains differ');
  });

  it('for another version than agreed ends with 2', () => {
    expect(fault(otherVersion)).toMatchObject({ code: 'ERR_ETH_STATUS_VERSION', reason: 2 });
    expect(checkStatus(local, local68, filter)).toMatchObject({ code: 'ERR_ETH_STATUS_VERSION', reason: 2 });
  });

  it('F13: earliest after latest and a zero hash end with 2', () => {
    expect(fault({ earliest: 25_000_001n })).toMatchObject({ code: 'ERR_ETH_STATUS_RANGE', reason: 2 });
    expect(fault(noRange)).toMatchObject({ code: 'ERR_ETH_STATUS_RANGE', reason: 2 });
    expect(fault({ earliest: 25_000_000n })).toBeUndefined();
  });

  it('read from the wire is what is judged', () => {
    const spec = ethProtocol(69).byName.get('Status');
    const message = spec?.decode(spec.encode({ name: 'Status', status: { ...local, ...elsewhere } }));
    expect(message?.name === 'Status' && checkStatus(local, message.status, filter)).toMatchObject({
      reason: 16,
    });
  });
});

describe('a block range', () => {
  it('names what makes it impossible', () => {
    expect(blockRangeFault({ earliest: 5n, latest: 4n, latestHash: hash('01') })).toContain(
      'earliest block 5',
    );
    expect(blockRangeFault({ earliest: 0n, latest: 0n, latestHash: hash('') })).toContain('zero');
    expect(blockRangeFault({ earliest: 0n, latest: 0n, latestHash: hash('01') })).toBeUndefined();
  });
});
