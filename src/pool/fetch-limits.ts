/** How long an announced transaction may still come by broadcast before it is asked for (geth: txArriveTimeout). */
export const ARRIVAL_WAIT_MS = 500;
/** What becomes due so soon after is asked for together with it (geth: txGatherSlack). */
export const GATHER_MS = 100;
/** How long a peer has for its answer (geth: txFetchTimeout). */
export const FETCH_TIMEOUT_MS = 5_000;
/** A peer that did not answer is asked for nothing more for so long. */
export const REST_MS = 10_000;
/** Hashes in one request (geth: maxTxRetrievals). */
export const MAX_ASKED_HASHES = 256;
/** A request is full once what it asks for was announced with this many bytes (geth: maxTxRetrievalSize). */
export const MAX_ASKED_BYTES: number = 128 * 1024;
/** Announcements of one peer that are remembered (geth: maxTxAnnounces). */
export const MAX_PEER_ANNOUNCEMENTS = 4_096;
/** geth: a difference of more than 8 bytes is a lie; some clients count a few bytes more or less. */
export const SIZE_TOLERANCE_BYTES = 8;
/** All that is remembered of all peers, by the two estimates below: some 30,000 transactions from eight peers each. */
export const MAX_FETCHER_BYTES: number = 32 * 1024 * 1024;
export const WANTED_BYTES = 320;
export const ANNOUNCER_BYTES = 96;
