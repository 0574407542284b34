/** Every deadline and pace of a session, in milliseconds. All can be changed per manager; none can be stretched by a peer. */
export interface Deadlines {
  /** Name lookup and TCP connect together (geth: 15 s). */
  readonly connectMs: number;
  /** ECIES, both packets. */
  readonly authMs: number;
  /** From ECIES until the peer's Hello is here (geth leaves this open for 30 s). */
  readonly helloMs: number;
  /** From both Hellos until the peer's Status is here (geth: 5 s). */
  readonly statusMs: number;
  /** From TCP to active, whatever the stages took. */
  readonly pendingMs: number;
  /** A ping is sent when no whole frame came for this long (geth: every 15 s). */
  readonly pingAfterMs: number;
  /** Without a whole frame for this long, the session has expired (geth: 30 s). */
  readonly idleMs: number;
  /** The least and the most that an answer may take (reth: 2 s and 20 s); between them the measured round trip decides. */
  readonly answerMinMs: number;
  readonly answerMaxMs: number;
  /** An answer that is this late after its request will not come any more: a breach (reth: 120 s). */
  readonly lateAnswerMs: number;
  /** A changed range is announced at least once per interval (reth: 32 slots of 12 s). */
  readonly rangeIntervalMs: number;
  /** No two range announcements closer than this. */
  readonly rangeSpacingMs: number;
  /** How long what a session has begun may take once it is asked to close. */
  readonly drainMs: number;
  /** How long a socket may live on after our Disconnect, so that the peer can read it. */
  readonly lingerMs: number;
}

export const DEFAULT_DEADLINES: Deadlines = {
  connectMs: 15_000,
  authMs: 5_000,
  helloMs: 5_000,
  statusMs: 5_000,
  pendingMs: 15_000,
  pingAfterMs: 15_000,
  idleMs: 30_000,
  answerMinMs: 2_000,
  answerMaxMs: 20_000,
  lateAnswerMs: 120_000,
  rangeIntervalMs: 384_000,
  rangeSpacingMs: 1_000,
  drainMs: 10_000,
  lingerMs: 2_000,
};
