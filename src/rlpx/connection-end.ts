import type { DisconnectReason } from './disconnect.js';

/** Why a connection ended: built once, at the first cause. */
export interface ConnectionEnd {
  /** `local`: we decided, a breach by the peer included. `remote`: it sent a Disconnect. `transport`: the socket failed. */
  readonly by: 'local' | 'remote' | 'transport';
  readonly received?: DisconnectReason;
  readonly sent?: DisconnectReason;
  /** An RlpxErrorCode or the caller's own; for transport ends the system's word (`ECONNRESET`), `EOF`, `CLOSED` or `WRITE_STALL`. */
  readonly code?: string;
  /** One plain sentence. */
  readonly says: string;
}

/** What a caller that ends a connection may say about it. */
export interface EndCause {
  readonly code?: string;
  readonly says?: string;
  readonly by?: 'local' | 'transport';
}

/** The peer ended its side without a Disconnect. */
export const END_OF_INPUT: ConnectionEnd = {
  by: 'transport',
  code: 'EOF',
  says: 'the peer closed the connection',
};

/** The end that a caller's cause makes. @param says where the caller has no words of its own */
export function endOf(cause: EndCause, says: string): ConnectionEnd {
  const end = { by: cause.by ?? 'local', says: cause.says ?? says } as const;
  return cause.code === undefined ? end : { ...end, code: cause.code };
}
