import type { MessageSpec } from '../eth/index.js';
import type { IncomingMessage } from '../rlpx/index.js';
import type { Allowance } from './allowance.js';
import { type Ending, endings } from './close-cause.js';
import type { Conversation } from './conversation.js';
import type { EthTable } from './eth-table.js';
import type { AnswerMatch, OpenRequest } from './requests.js';
import { EMPTY_TERMS, FULL_TERMS, REFUSED_TERMS, type ServingTerms } from './serving.js';

/** Whether a message may come at all: its row of the version's table, or why the session ends. */
export type Bounds =
  | { readonly spec: MessageSpec; readonly refused?: undefined }
  | { readonly spec?: undefined; readonly refused: Ending };

/** What becomes of a message of eth. */
export type Admitted =
  | { readonly kind: 'request'; readonly spec: MessageSpec; readonly terms: ServingTerms }
  | { readonly kind: 'answer'; readonly spec: MessageSpec; readonly to: OpenRequest }
  | { readonly kind: 'unasked'; readonly spec: MessageSpec }
  /** Thrown away, and never decompressed. */
  | { readonly kind: 'drop' }
  | { readonly kind: 'end'; readonly ending: Ending }
  /** The session has ended over the question: a quota was exceeded once too often. */
  | { readonly kind: 'over' };

export interface AdmissionOptions {
  readonly protocol: EthTable;
  readonly conversation: Conversation;
  readonly allowance: Pick<Allowance, 'incoming'>;
  readonly isDraining: () => boolean;
  /** Which open request it answers. */
  readonly match: (spec: MessageSpec, message: IncomingMessage) => AnswerMatch;
  /** Whether anybody wants to hear of what is said unasked. */
  readonly hears: (spec: MessageSpec) => boolean;
}

const DROP: Admitted = { kind: 'drop' };
const OVER: Admitted = { kind: 'over' };

/**
 * One question in one place: may this message, of this size, from this peer, come now? The negotiated version, the step of the
 * conversation, the size, a session that is about to close, an answer that nobody asked for, permission, quota, and whether
 * anybody listens, in this order. Of what is refused nothing has been decompressed but the id of an answer, and nothing but
 * the meters of the quotas has changed.
 */
export class Admission {
  readonly #options: AdmissionOptions;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** @throws EthError, RlpxError for an answer whose id cannot be read */
  admit(message: IncomingMessage): Admitted {
    const { protocol, conversation, isDraining } = this.#options;
    const { spec, refused } = withinBounds(message, protocol, conversation);
    if (spec === undefined) return { kind: 'end', ending: refused };
    if (spec.kind === 'response') return this.#answer(spec, message);
    // while we are about to close, questions are answered empty, and what is said unasked is not heard any more
    if (isDraining()) return spec.kind === 'request' ? { kind: 'request', spec, terms: EMPTY_TERMS } : DROP;
    return this.#allowed(spec, message);
  }

  #answer(spec: MessageSpec, message: IncomingMessage): Admitted {
    const { asked, refused } = this.#options.match(spec, message);
    if (asked === undefined) return { kind: 'end', ending: refused };
    this.#options.allowance.incoming(spec, message.wireBytes); // only counted: that we asked is what lets it in
    return { kind: 'answer', spec, to: asked };
  }

  #allowed(spec: MessageSpec, message: IncomingMessage): Admitted {
    const allowed = this.#options.allowance.incoming(spec, message.wireBytes);
    if (allowed.verdict === 'over') return OVER;
    if (spec.kind !== 'request')
      return allowed.verdict === 'take' && this.#options.hears(spec) ? { kind: 'unasked', spec } : DROP;
    if (allowed.verdict !== 'take') return { kind: 'request', spec, terms: REFUSED_TERMS };
    const terms = allowed.share === 1 ? FULL_TERMS : { share: allowed.share, refused: false };
    return { kind: 'request', spec, terms };
  }
}

/** What can be said before Status, too: the version has the message, the conversation is there yet, the size is right. */
export function withinBounds(
  message: IncomingMessage,
  protocol: EthTable,
  conversation: Conversation,
): Bounds {
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

function refuse(code: string, says: string): Bounds {
  return { refused: endings.breach(code, says) };
}
