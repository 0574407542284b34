import type { MessageSpec } from '../eth/index.js';
import type { IncomingMessage } from '../rlpx/index.js';
import { type Ending, endings } from './close-cause.js';
import type { Conversation } from './conversation.js';
import type { EthTable } from './eth-table.js';

/** May this message come now, at this size? Its row of the version's table, or why the session ends. */
export type Admission =
  | { readonly spec: MessageSpec; readonly refused?: undefined }
  | { readonly spec?: undefined; readonly refused: Ending };

/**
 * One question in one place: whether the negotiated version has the message, whether the conversation is there yet, and
 * whether its declared size is within bounds. Nothing has been decompressed when it is asked, and a refusal changes nothing.
 */
export function admit(message: IncomingMessage, protocol: EthTable, conversation: Conversation): Admission {
  const spec = protocol.byId[message.id];
  if (spec === undefined) {
    return refuse('ERR_SESSION_MESSAGE_UNKNOWN', `eth/${protocol.version} has no message ${message.id}`);
  }
  const step = conversation.expects(spec);
  if (step === 'early') return refuse('ERR_SESSION_MESSAGE_EARLY', `${spec.name} came before Status`);
  if (step === 'twice') return refuse('ERR_SESSION_STATUS_TWICE', 'a second Status came');
  if (message.declaredBytes > spec.maxBytes) {
    return refuse(
      'ERR_SESSION_MESSAGE_SIZE',
      `${spec.name} of ${message.declaredBytes} bytes, ${spec.maxBytes} are allowed`,
    );
  }
  return { spec };
}

function refuse(code: string, says: string): Admission {
  return { refused: endings.breach(code, says) };
}
