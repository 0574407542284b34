import { join } from 'node:path';
import { command } from './daemon.js';
import { rpc, until } from './geth.js';
import { type Line, LineProcess } from './lines.js';
import { built, type ChainFiles, temporaryFolder } from './places.js';

/** The program geth itself, with nothing but the genesis, told only the hash of the block to sync to. */
export interface FreshGeth {
  readonly process: LineProcess;
  call<T>(method: string, ...params: readonly unknown[]): Promise<T>;
  /** Resolves at the head, with the milliseconds since its first line about syncing. */
  synced(timeoutMs?: number): Promise<number>;
}

/** Starts it with these peers only; it is stopped after the test. */
export async function startFreshGeth(
  chain: ChainFiles,
  peers: readonly string[],
  more: readonly string[] = [],
): Promise<FreshGeth> {
  const datadir = temporaryFolder();
  const made = await command(built('geth'), ['--datadir', datadir, 'init', chain.genesis]);
  if (made.code !== 0) throw new Error(`geth init: ${made.stderr.slice(-2_000)}`);
  const ipc = join(datadir, 'geth.ipc');
  const geth = new LineProcess(
    'geth',
    built('geth'),
    [
      ...['--datadir', datadir, '--networkid', String(chain.networkId), '--syncmode', 'full'],
      ...['--synctarget', `0x${chain.headHash}`, '--nodiscover', '--nat', 'none', '--port', '0'],
      ...['--authrpc.port', '0', '--cache', '1024', '--log.format', 'json', '--ipcpath', ipc, ...more],
    ],
    { json: 'stderr' },
  );
  const call = <T>(method: string, ...params: readonly unknown[]): Promise<T> => rpc<T>(ipc, method, params);
  const answers = (): Promise<boolean | undefined> =>
    call('net_listening').then(
      () => true,
      () => undefined,
    );
  await until('geth at its socket', answers);
  for (const peer of peers) await call('admin_addPeer', peer);
  return {
    process: geth,
    call,
    synced: async (timeoutMs = 45_000) => {
      const imported = (line: Line): boolean =>
        line.msg === 'Imported new chain segment' && Number(line.number) === chain.head;
      const last = await geth.line(imported, { timeoutMs });
      const block = await call<{ hash: string }>('eth_getBlockByNumber', 'latest', false);
      if (block.hash !== `0x${chain.headHash}`) throw new Error(`geth is at ${block.hash}`);
      const first = geth.lines.find(({ msg }) => /syncing/i.test(String(msg)));
      return Date.parse(String(last.t)) - Date.parse(String(first?.t));
    },
  };
}
