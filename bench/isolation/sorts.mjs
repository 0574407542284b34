// The sorts of hostile neighbours, and what each does a second. On two cores the daemon has one and all the others share the
// second: what a neighbour burns of its own processor is the machine's matter, and not what is measured.
export const SORTS = {
  flood: { perSecond: 1_000, does: 'messages without end: 500 announcements of 50 hashes, 500 requests' },
  slow: { perSecond: 200, does: "messages whose handler, a user's, takes 10 s" },
  throwing: { perSecond: 200, does: "messages whose handler, a user's, throws or rejects" },
  huge: { perSecond: 2, does: 'messages of 500 kB that expand to 10 MiB' },
  stalled: { perSecond: 100, does: 'requests of 192 headers, and not a byte of the answers is read' },
  dribble: { perSecond: 500, does: 'frames that come a byte at a time' },
  garbage: { perSecond: 50, does: 'connections with a first message of garbage' },
  churn: { perSecond: 20, does: 'connections that shake hands and go' },
  pings: { perSecond: 1_000, does: 'pings' },
};
