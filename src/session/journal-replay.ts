import { hexToBytes } from '../codec/index.js';
import { type EthMessageName, ethProtocol, isEthVersion, type MessageSpec } from '../eth/index.js';
import { type CloseCause, closeCause, type Ending, endingEvent } from './close-cause.js';
import { Conversation } from './conversation.js';
import type {
  EndEntry,
  EventEntry,
  JournalEntry,
  MessageChain,
  MessageEntry,
  OpenEntry,
} from './journal-entry.js';
import {
  isEstablished,
  isTerminal,
  isTransitionError,
  type LiveState,
  next,
  type SessionState,
} from './state.js';

/** What a journal leads to when it is read through `next` again. */
export type ReplayOutcome =
  | {
      readonly possible: true;
      /** Every state that was reached, in order. */
      readonly states: readonly SessionState[];
      /** Undefined where the journal ends before the session does. */
      readonly cause: CloseCause | undefined;
      readonly messagesIn: number;
      readonly messagesOut: number;
      /** Requests without an answer at the end: ours, and the peer's. */
      readonly openRequests: { readonly out: number; readonly in: number };
    }
  | {
      readonly possible: false;
      /** Index of the first entry that the engine would not have accepted. */
      readonly at: number;
      readonly says: string;
      /** Every state that was reached before it. */
      readonly states: readonly SessionState[];
    };

/**
 * Lives through a session again from what was written down: each event goes through `next`, each message through the
 * conversation's step and the version's table, each answer to its request, the end through the function that makes causes.
 * What the engine could not have done, or what it would have come to differently, is found.
 * Links are not looked at (`verifyJournal`).
 */
export function replayJournal(entries: readonly JournalEntry[]): ReplayOutcome {
  const replay = new Replay();
  for (const [at, entry] of entries.entries()) {
    const says = replay.take(entry);
    if (says !== undefined) return { possible: false, at, says, states: replay.states };
  }
  return replay.outcome();
}

/** Requests that wait for an answer, by id. A peer may reuse its ids, so each has a list. */
class OpenRequests {
  readonly #open = new Map<string, (EthMessageName | undefined)[]>();
  size = 0;

  asked(id: string, answer: EthMessageName | undefined): void {
    this.#open.set(id, [...(this.#open.get(id) ?? []), answer]);
    this.size++;
  }

  /** @returns whether such an answer was waited for */
  answered(id: string, name: EthMessageName): boolean {
    const waiting = this.#open.get(id) ?? [];
    const which = waiting.indexOf(name);
    if (which < 0) return false;
    if (waiting.length === 1) this.#open.delete(id);
    else this.#open.set(id, waiting.toSpliced(which, 1));
    this.size--;
    return true;
  }
}

class Replay {
  readonly #states: SessionState[] = [];
  readonly #conversation = new Conversation();
  readonly #open = { in: new OpenRequests(), out: new OpenRequests() };
  readonly #messages = { in: 0, out: 0 };
  #cause: CloseCause | undefined;
  #hasGap = false;

  /** @returns what is impossible about it */
  take(entry: JournalEntry): string | undefined {
    const state = this.#states.at(-1);
    if (entry.kind === 'open') return state === undefined ? this.#begin(entry) : 'it begins twice';
    if (state === undefined) return 'it does not begin with open';
    if (isTerminal(state)) return `a session that is ${state} has no ${entry.kind} any more`;
    if (entry.kind === 'event') return this.#event(state, entry);
    if (entry.kind === 'message') return this.#message(state, entry);
    if (entry.kind === 'end') return this.#end(state, entry);
    this.#hasGap = true;
    return undefined;
  }

  get states(): readonly SessionState[] {
    return this.#states;
  }

  outcome(): ReplayOutcome {
    return {
      possible: true,
      states: this.#states,
      cause: this.#cause,
      messagesIn: this.#messages.in,
      messagesOut: this.#messages.out,
      openRequests: { in: this.#open.in.size, out: this.#open.out.size },
    };
  }

  #begin({ direction }: OpenEntry): undefined {
    this.#states.push(direction === 'outbound' ? 'requested' : 'accepted');
  }

  #event(state: SessionState, { event, state: said }: EventEntry): string | undefined {
    const reached = next(state, event);
    if (isTransitionError(reached)) return reached.says;
    if (isTerminal(reached)) return `${event} is an end, and stands as an event`;
    if (reached !== said) return `${event} leads to ${reached}, and ${said} was written down`;
    if (event === 'greeted') this.#conversation.greeted();
    this.#states.push(reached);
    return undefined;
  }

  #end(state: LiveState, { cause }: EndEntry): string | undefined {
    if (cause.stage !== state) return `it ended while ${state}, and says while ${cause.stage}`;
    const ending = endingOf(cause);
    const reached = next(state, endingEvent(ending, state));
    if (isTransitionError(reached)) return reached.says;
    if (!isTerminal(reached) || reached !== cause.outcome)
      return `such an end leads to ${reached}, and ${cause.outcome} was written down`;
    const { atMs, epoch, counters, reasonSent: sent } = cause;
    const made = closeCause(ending, { outcome: reached, stage: state, atMs, epoch, counters, sent });
    const differs = FIELDS.find((field) => !same(made[field], cause[field]));
    if (differs !== undefined) return `${differs} of the end is not what the engine says of such an end`;
    this.#states.push(reached);
    this.#cause = made;
    return undefined;
  }

  #message(state: SessionState, entry: MessageEntry): string | undefined {
    if (!entry.capability.startsWith('eth/')) return this.#beside(state, entry);
    const spec = specOf(entry);
    if (spec === undefined) return `${entry.capability} has no message ${entry.id} called ${entry.name}`;
    if (entry.chain.startsWith('ambient-') !== (spec.kind === 'gossip'))
      return `${spec.name} in the chain ${entry.chain}`;
    const chain = directionOf(entry.chain);
    const misplaced = this.#misplaced(state, spec, chain);
    if (misplaced !== undefined) return misplaced;
    this.#messages[chain]++;
    if (entry.payload !== undefined) {
      try {
        spec.decode(hexToBytes(entry.payload));
      } catch (error) {
        return `${entry.name}: ${String(error)}`;
      }
    }
    return this.#pair(spec, chain, entry.requestId);
  }

  /** Protocols beside eth have rules that nobody here knows; that the session is open is one of all. */
  #beside(state: SessionState, { capability, name, chain }: MessageEntry): string | undefined {
    if (!isEstablished(state)) return `${capability} ${name} while ${state}`;
    this.#messages[directionOf(chain)]++;
    return undefined;
  }

  /** Status comes first and once in each direction, everything else needs an open conversation. */
  #misplaced(state: SessionState, spec: MessageSpec, chain: 'in' | 'out'): string | undefined {
    if (spec.kind !== 'status') {
      return isEstablished(state) ? undefined : `${spec.name} while ${state}`;
    }
    if (state !== 'verifying') return `Status while ${state}`;
    const step = chain === 'in' ? this.#conversation.theirs : this.#conversation.ours;
    if (step !== 'status') return 'a second Status';
    if (chain === 'in') this.#conversation.statusReceived();
    else this.#conversation.statusSent();
    return undefined;
  }

  #pair(spec: MessageSpec, chain: 'in' | 'out', requestId: string | undefined): string | undefined {
    if (spec.kind !== 'request' && spec.kind !== 'response') return undefined;
    if (requestId === undefined) return `${spec.name} without a request id`;
    if (spec.kind === 'request') {
      this.#open[chain].asked(requestId, spec.answer);
      return undefined;
    }
    const asked = this.#open[chain === 'in' ? 'out' : 'in'].answered(requestId, spec.name);
    return asked || this.#hasGap ? undefined : `${spec.name} ${requestId} answers nothing that was asked`;
  }
}

function directionOf(chain: MessageChain): 'in' | 'out' {
  return chain === 'in' || chain === 'ambient-in' ? 'in' : 'out';
}

/** What ended it, as far as its record tells. */
function endingOf({ outcome, by, reason, reasonReceived: received, code, says }: CloseCause): Ending {
  const known = { by, reason, received, code, says };
  if (outcome === 'expired') return { kind: 'deadline', ...known };
  if (outcome === 'faulted') return { kind: 'fault', ...known };
  return { kind: by === 'policy' ? 'refused' : 'asked', ...known };
}

const FIELDS: readonly (keyof CloseCause)[] = [
  ...(['outcome', 'by', 'stage', 'reason', 'reasonSent', 'reasonReceived', 'code', 'says'] as const),
  ...(['atMs', 'epoch', 'counters'] as const),
];

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function specOf({ capability, id, name }: MessageEntry): MessageSpec | undefined {
  const version = /^eth\/(\d{1,3})$/.exec(capability)?.[1];
  const number = Number(version);
  if (version === undefined || !isEthVersion(number)) return undefined;
  const spec = ethProtocol(number).byId[id];
  return spec?.name === name ? spec : undefined;
}
