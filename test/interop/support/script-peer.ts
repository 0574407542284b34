import { type Line, LineProcess, text } from './lines.js';
import { built, type ChainFiles } from './places.js';

export interface ScriptPeerOptions {
  /** Whom to dial; without it the peer listens for one connection. */
  readonly dial?: string;
  readonly eth?: readonly number[];
  /** What its Status has other than the one received. */
  readonly status?: Readonly<Record<string, unknown>>;
  readonly noStatus?: boolean;
  /** The chain that `pull` compares with. */
  readonly chain?: Pick<ChainFiles, 'genesis' | 'chain'>;
}

/** A scripted peer of Go: geth's RLPx and packet types, driven from here. */
export class ScriptPeer {
  readonly process: LineProcess;

  constructor(o: ScriptPeerOptions) {
    const args: string[] = o.dial === undefined ? ['-listen'] : ['-dial', o.dial];
    if (o.eth !== undefined) args.push('-eth', o.eth.join(','));
    if (o.status !== undefined) args.push('-status', JSON.stringify(o.status));
    if (o.noStatus) args.push('-nostatus');
    if (o.chain !== undefined) args.push('-genesis', o.chain.genesis, '-chain', o.chain.chain);
    this.process = new LineProcess('scriptpeer', built('scriptpeer'), args, { json: 'stdout' });
  }

  /** Where it listens. */
  async enode(): Promise<string> {
    return text(await this.process.line({ event: 'listening' }), 'enode');
  }

  /** The other side's Hello. */
  hello(): Promise<Line> {
    return this.process.line({ event: 'hello' });
  }

  /** The other side's Status; ours has been sent when this resolves. */
  async status(): Promise<Line> {
    const sent = await this.process.line((line) => line.event === 'status.sent' || line.event === 'ended');
    if (sent.event === 'ended') throw new Error(`the session ended before Status: ${JSON.stringify(sent)}`);
    return await this.process.line({ event: 'status' });
  }

  /** The Disconnect received. */
  disconnect(timeoutMs?: number): Promise<Line> {
    return this.process.line({ event: 'disconnect' }, timeoutMs === undefined ? {} : { timeoutMs });
  }

  /** Carries out one command. @throws where the peer reports an error */
  async do(op: string, fields: Line = {}): Promise<Line> {
    const since = this.process.mark();
    this.process.send({ op, ...fields });
    const result = await this.process.line({ event: 'result', op }, { since });
    if (result.error !== undefined) throw new Error(`${op}: ${String(result.error)}`);
    return result;
  }
}
