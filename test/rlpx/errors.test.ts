import { expect, test } from 'vitest';
import { isBreach, RlpxError } from '../../src/rlpx/errors.js';

test('what a peer did has no stack, a mistake of the caller has one, and the next error has its own', () => {
  const before = Error.stackTraceLimit;
  const breach = new RlpxError('ERR_RLPX_AUTH', undefined, { cause: 'garbage' });
  expect(breach).toMatchObject({
    code: 'ERR_RLPX_AUTH',
    message: 'the handshake message is not valid',
    cause: 'garbage',
  });
  expect(breach.stack).not.toContain(' at ');
  expect(isBreach(breach)).toBe(true);
  const mistake = new RlpxError('ERR_RLPX_ARGUMENT');
  expect(mistake.stack).toContain('errors.test');
  expect(isBreach(mistake)).toBe(false);
  expect(Error.stackTraceLimit).toBe(before);
});
