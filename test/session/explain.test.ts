import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { DISCONNECT } from '../../src/rlpx/index.js';
import { explainInFull } from '../../src/session/explain.js';
import type { CloseCause } from '../../src/session/index.js';
import { isTerminal, type LiveState, SESSION_STATES } from '../../src/session/state.js';

const cause = (changes: Partial<CloseCause>): CloseCause => ({
  outcome: 'cancelled',
  by: 'remote',
  stage: 'greeting',
  says: 'too many peers',
  atMs: 0,
  epoch: 1,
  counters: { bytesIn: 431, bytesOut: 512, messagesIn: 1, messagesOut: 2 },
  ...changes,
});

describe('an end in plain words', () => {
  test('a peer that is full', () => {
    expect(explainInFull(cause({ reason: 4, reasonReceived: 4 }))).toEqual([
      'cancelled while greeting by the peer, too many peers',
      'It ended when the keys were proven and Hello was awaited.',
      'The peer told us 4 (too many peers).',
      'The peer is full. Trying again later may do, being trusted by it surely will.',
      'It had carried 1 messages (431 bytes) in and 2 (512 bytes) out.',
    ]);
  });

  test('a reset, which nobody explained', () => {
    const lines = explainInFull(
      cause({ outcome: 'faulted', by: 'transport', stage: 'active', code: 'ECONNRESET', says: 'reset' }),
    );
    expect(lines[1]).toBe('It ended while it was active.');
    expect(lines[2]).toBe('Neither end told the other why.');
    expect(lines[3]).toContain('cut the connection');
  });

  test('what the peer said counts for more than a code, but only where it was the peer who ended it', () => {
    const both = { reasonReceived: DISCONNECT.tooManyPeers, code: 'ERR_SESSION_LIMIT' } as const;
    expect(explainInFull(cause(both))[3]).toContain('The peer is full');
    expect(explainInFull(cause({ ...both, by: 'policy' }))[3]).toContain('Raise the limit');
  });

  test('every stage has its words; what is unknown is left out, whatever it is called', () => {
    for (const state of SESSION_STATES) {
      if (isTerminal(state)) continue;
      expect(explainInFull(cause({ stage: state as LiveState }))[1]).toMatch(/^It ended [a-z]/);
    }
    for (const code of ['constructor', '__proto__', 'ERR_SOMETHING_NEW'])
      expect(explainInFull(cause({ by: 'local', code }))).toHaveLength(4);
    expect(explainInFull(cause({ reasonReceived: 200 }))).toHaveLength(4);
  });

  test('no line speaks of a code of ours that does not exist', () => {
    const source = readFileSync(new URL('../../src/session/explain.ts', import.meta.url), 'utf8');
    const documented = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
    const codes = source.match(/\bERR_[A-Z_0-9]+\b/g) ?? [];
    expect(codes.length).toBeGreaterThan(15);
    for (const code of codes) expect(documented).toContain(`\`${code}\``);
  });
});
