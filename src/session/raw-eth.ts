import type { MessageSpec } from '../eth/index.js';
import { type PackedMessage, packMessage, type SharedCapability } from '../rlpx/index.js';
import { SessionError } from './errors.js';
import type { EthTable } from './eth-table.js';
import type { Outgoing, SendOutcome } from './outgoing.js';
import type { CapabilityChannel } from './satellite.js';

/**
 * eth as one capability among others: what is said unasked, in bytes that nobody looks at. A raw question would have no one
 * to take its answer, and a raw answer no question, so neither is sent.
 * @param say sends it in the lane of broadcasts. @throws what a session that is over throws
 */
export function rawEth(
  capability: SharedCapability | undefined,
  protocol: EthTable,
  outgoing: Pick<Outgoing, 'broadcasts'>,
  say: (spec: MessageSpec, message: PackedMessage) => SendOutcome,
): CapabilityChannel | undefined {
  if (capability === undefined) return undefined;
  const { name, version, length } = capability;
  return {
    ...{ name, version, length },
    get waiting() {
      return outgoing.broadcasts;
    },
    send(id, message) {
      const spec = protocol.byId[id];
      if (spec?.kind !== 'gossip') throw argument(`eth/${version} message ${id} is not sent raw`);
      const packed = message instanceof Uint8Array ? packMessage(id, message) : message;
      if (packed.id !== id) throw argument(`${spec.name} was packed as message ${packed.id}`);
      if (packed.plainBytes > spec.maxBytes)
        throw argument(`${spec.name} of ${packed.plainBytes} bytes, ${spec.maxBytes} are allowed`);
      return say(spec, packed);
    },
  };
}

function argument(says: string): SessionError {
  return new SessionError('ERR_SESSION_ARGUMENT', says);
}
