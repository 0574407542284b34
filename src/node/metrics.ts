import type { CloseCause, SessionRecord } from '../session/index.js';

/** What a monitor may hear of a node, each as it happens. It must be quick: it runs within the node. */
export interface NodeMetrics {
  /** Every end of every session, once; also of those that never became active. */
  sessionEnded?(cause: CloseCause, session: SessionRecord): void;
}
