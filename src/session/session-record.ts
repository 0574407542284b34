import { bytesToHex } from '../codec/index.js';
import type { Capability } from '../rlpx/index.js';
import { NO_TRAFFIC } from './close-cause.js';
import type { SessionRecord } from './handle.js';
import type { SessionHost } from './host.js';
import type { ManagedSession } from './managed-session.js';

/** What is known of a session at present. @param epoch how many sessions had ended when it began */
export function recordOf(
  session: ManagedSession,
  epoch: number,
  crypto: Pick<SessionHost['crypto'], 'keccak256'>,
): SessionRecord {
  const { address, cause, connection, journal, pending, publicKey } = session;
  const hello = connection?.hello;
  return {
    id: session.id,
    direction: session.direction,
    role: session.direction === 'outbound' ? 'initiator' : 'recipient',
    state: session.state,
    kind: session.kind,
    template: session.template.name,
    createdAtMs: session.createdAtMs,
    stagesMs: pending.stagesMs,
    conversation: pending.conversation,
    epoch,
    ...(journal === undefined ? {} : { journal: journal.record }),
    counters: { ...(connection?.stats ?? NO_TRAFFIC) },
    ...(publicKey === undefined ? {} : identity(publicKey, crypto)),
    ...(connection?.sharedId === undefined ? {} : { sharedId: bytesToHex(connection.sharedId) }),
    ...(address === undefined ? {} : { address }),
    ...(hello === undefined
      ? {}
      : { client: hello.clientId, capabilities: hello.capabilities.map(capabilityText) }),
    ...session.established?.details(),
    ...(cause === undefined ? {} : { cause }),
  };
}

/** Whom we dialed, or who proved to be there. */
function identity(
  publicKey: Uint8Array,
  crypto: Pick<SessionHost['crypto'], 'keccak256'>,
): Pick<SessionRecord, 'publicKey' | 'nodeId'> {
  return { publicKey: bytesToHex(publicKey), nodeId: bytesToHex(crypto.keccak256(publicKey)) };
}

function capabilityText({ name, version }: Capability): string {
  return `${name}/${version}`;
}
