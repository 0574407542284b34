import type { JournalEntry, MessageEntry } from '../session/index.js';
import { explainCause } from '../session/index.js';
import { isCloseCause } from './session-history.js';

type EventName = (JournalEntry & { readonly kind: 'event' })['event'];

const EVENTS: Readonly<Record<EventName, string>> = {
  connect: 'we look the peer up and connect',
  begin: 'there is a connection, ECIES begins',
  authenticated: 'ECIES is through: the peer has proven its key',
  greeted: 'both Hellos are through',
  verified: 'both ends agree: the session is active',
  pause: 'we pause it',
  resume: 'we let it go on',
  drain: 'we close it: what has begun is finished',
};

/** One entry of a journal in plain words. What is in it was written by peers, too: whoever prints it makes it printable. */
export function entryWords(entry: JournalEntry): string {
  switch (entry.kind) {
    case 'open': {
      const how = entry.direction === 'outbound' ? 'dialed' : 'that came in';
      return `session ${entry.session}, ${how}; of messages ${entry.whole ? 'every byte' : 'size and hash'} is kept`;
    }
    case 'event':
      return `${EVENTS[entry.event]}${factsText(entry.facts)}`;
    case 'message':
      return messageWords(entry);
    case 'gap':
      return `${entry.missed} messages were left out here, for want of room`;
    case 'end':
      return isCloseCause(entry.cause) ? explainCause(entry.cause) : 'it ends, and how cannot be read';
  }
}

function messageWords({ chain, capability, name, requestId, bytes, hash }: MessageEntry): string {
  const way = chain === 'in' || chain === 'ambient-in' ? 'in ' : 'out';
  const asked = requestId === undefined ? '' : `, request ${requestId}`;
  const ambient = chain.startsWith('ambient-') ? ', said unasked' : '';
  return `${way} ${capability} ${name}${asked}${ambient}, ${bytes} bytes, keccak ${hash.slice(0, 16)}`;
}

function factsText(facts: Readonly<Record<string, unknown>> | undefined): string {
  if (facts === undefined) return '';
  return ` (${Object.entries(facts)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ')})`;
}

const UTC: Intl.DateTimeFormat = new Intl.DateTimeFormat('sv-SE', {
  ...({ dateStyle: 'short', timeStyle: 'medium', timeZone: 'UTC' } as const),
});

/** `2026-11-21 10:24:11 UTC`; a time that is none is said as the number that it is. */
export function utcText(atMs: number): string {
  return Math.abs(atMs) <= 8.64e15 ? `${UTC.format(atMs)} UTC` : String(atMs);
}
