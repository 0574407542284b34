import { MAX_WHOLE_RECEIPTS_BYTES } from '../eth/index.js';
import { type ConnectionHandlers, RlpxConnection } from '../rlpx/index.js';
import type { TcpSocket } from '../runtime/index.js';
import type { SessionHost } from './host.js';
import type { ManagedSession } from './managed-session.js';

/** RLPx over this socket, for this session. */
export function sessionConnection(
  session: ManagedSession,
  host: SessionHost,
  socket: TcpSocket,
): RlpxConnection {
  const { world, crypto, secretKey, replays, clientId, deadlines } = host;
  const { publicKey, direction, template } = session;
  // whom we dial we know; whoever dials us is known after ECIES, and then what is forbidden is thrown away unread
  const without = direction === 'outbound' ? template.withoutProtocols : [];
  const capabilities = host.capabilities.filter(({ name }) => !without.includes(name));
  return new RlpxConnection({
    socket,
    role: direction === 'outbound' ? 'initiator' : 'recipient',
    ...(publicKey === undefined ? {} : { remotePublicKey: publicKey }),
    crypto,
    clock: world.clock,
    random: world.random,
    secretKey,
    replays,
    handshakes: host.handshakes,
    ephemeralKeys: host.ephemeralKeys,
    hello: { clientId, listenPort: host.listenPort() },
    capabilities,
    // the cap of each message stands in its row and is asked on top; whole receipts may be the largest
    limits: { lingerMs: deadlines.lingerMs, maxMessageBytes: MAX_WHOLE_RECEIPTS_BYTES },
    handlers: connectionHandlers(session),
  });
}

/** The connection speaks to the session through these; made once for each. */
function connectionHandlers(session: ManagedSession): ConnectionHandlers {
  return {
    authenticated: (peer) => session.authenticated(peer),
    greeted: (hello, shared) => session.greeted(hello, shared),
    message: (message) => session.message(message),
    pong: () => session.pong(),
    drained: () => session.drained(),
    activity: () => session.activity(),
    ended: (end) => session.connectionEnded(end),
    released: () => session.released(),
  };
}
