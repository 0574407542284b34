import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { LineProcess } from './lines.js';
import { root, temporaryFolder } from './places.js';

const launcher = join(root, 'bin', 'rlpxd.js');

/** The 64 hex digits that geth calls a node's id. */
export function idOf(enode: string): string {
  const publicKey = /^enode:\/\/([0-9a-f]{128})@/.exec(enode)?.[1];
  if (publicKey === undefined) throw new Error(`not an enode URL: ${enode}`);
  return Buffer.from(keccak_256(Buffer.from(publicKey, 'hex'))).toString('hex');
}

export interface DaemonOptions {
  readonly genesis: string;
  readonly datadir?: string;
  readonly peers?: readonly string[];
  readonly eth?: readonly number[];
  readonly more?: readonly string[];
}

/** A `rlpxd run` on loopback. */
export interface Daemon {
  /** Its log: JSON lines from stderr. */
  readonly process: LineProcess;
  readonly enode: string;
  readonly id: string;
  readonly datadir: string;
}

/** Starts the built daemon; it is stopped after the test. */
export async function startDaemon(o: DaemonOptions): Promise<Daemon> {
  const datadir = o.datadir ?? temporaryFolder();
  const args = ['run', '--datadir', datadir, '--genesis', o.genesis, '--addr', '127.0.0.1', '--port', '0'];
  args.push('--netrestrict', '127.0.0.0/8', '--log', 'json', '--loglevel', 'debug');
  for (const peer of o.peers ?? []) args.push('--peer', peer);
  if (o.eth !== undefined) args.push('--eth', o.eth.join(','));
  const daemon = new LineProcess('rlpxd', process.execPath, [launcher, ...args, ...(o.more ?? [])], {
    json: 'stderr',
  });
  const listening = await daemon.line({ event: 'listening' });
  const enode = String(listening.enode);
  return { process: daemon, enode, id: idOf(enode), datadir };
}

/** What a command that ends by itself left behind. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

/** Runs a command of rlpxd to its end. */
export async function rlpxd(args: readonly string[], timeoutMs = 60_000): Promise<Finished> {
  return await command(process.execPath, [launcher, ...args], timeoutMs);
}

/** Runs any command to its end; killed after the deadline. */
export async function command(file: string, args: readonly string[], timeoutMs = 60_000): Promise<Finished> {
  const started = performance.now();
  return await new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (data: string) => {
      stdout += data;
    });
    child.stderr.setEncoding('utf8').on('data', (data: string) => {
      stderr += data;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr, ms: performance.now() - started }));
  });
}

/** Runs a command of rlpxd that must succeed. @returns its stdout */
export async function rlpxdOk(args: readonly string[], timeoutMs?: number): Promise<Finished> {
  const done = await rlpxd(args, timeoutMs);
  if (done.code !== 0)
    throw new Error(`rlpxd ${args.join(' ')} ended with ${done.code}: ${done.stderr.slice(-2_000)}`);
  return done;
}
