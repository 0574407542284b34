import { bytesToHex } from '../../../src/codec/index.js';
import type { Daemon } from './daemon.js';

interface Counters {
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** One end of a session that both ends know by the same id. */
interface End extends Counters {
  readonly name: string;
  readonly other: string;
}

function endsOf(daemons: readonly Daemon[]): Map<string, End> {
  const found = new Map<string, End>();
  for (const { node } of daemons) {
    for (const session of node?.sessions.active() ?? []) {
      const id = bytesToHex(session.sharedId);
      const names = [`${id} (dialed)`, `${id} (accepted)`] as const;
      const [name, other] = session.direction === 'outbound' ? names : ([names[1], names[0]] as const);
      found.set(name, { ...session.describe().counters, name, other });
    }
  }
  return found;
}

/**
 * What one end has sent, the other end has received: all of it, a moment later, and nothing else.
 * @param moment lets all arrive that is on its way
 * @returns what is not so
 */
export async function strayBytes(
  daemons: readonly Daemon[],
  moment: () => Promise<void>,
): Promise<readonly string[]> {
  const before = endsOf(daemons);
  await moment();
  const after = endsOf(daemons);
  const says: string[] = [];
  for (const { name, other, bytesIn, bytesOut } of after.values()) {
    const there = after.get(other);
    const sent = before.get(other)?.bytesOut ?? 0;
    if (bytesIn < sent) says.push(`session ${name}: ${sent} bytes were sent to it, ${bytesIn} came`);
    // what has become active a moment ago may not have done so at the other end yet
    if (there === undefined && before.has(name)) says.push(`session ${name} is active at this end only`);
    if (there !== undefined && there.bytesIn > bytesOut)
      says.push(`session ${name}: it has sent ${bytesOut} bytes, ${there.bytesIn} came`);
  }
  return says;
}
