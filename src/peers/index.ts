/** Who to talk to: enode URLs, node ids, allowed networks, and the dialer that keeps static and trusted peers. */
export {
  BACKOFF,
  type BackoffRule,
  type BackoffRules,
  backoffMs,
  type DialEnd,
  type DialFailure,
  failureOf,
  STEADY_MS,
} from './backoff.js';
export { Dialer, type DialerOptions, type DialState, type DialTarget, type DialWait } from './dialer.js';
export { type Enode, formatEnode, parseEnode } from './enode.js';
export { PeerError, type PeerErrorCode } from './errors.js';
export { INBOUND_PER_NETWORK, INBOUND_THROTTLE_MS, InboundThrottle } from './inbound-throttle.js';
export { formatIp, isLan, isLoopback, isUnspecified, parseIp } from './ip.js';
export { NetRestrict } from './net-restrict.js';
export { nodeId } from './node-id.js';
export { type Admission, type PeerCandidate, type PeerKind, StaticPolicy } from './static-policy.js';
