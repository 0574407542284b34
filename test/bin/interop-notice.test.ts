import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

// The interop suite has a command and a configuration of its own; this line tells so in every ordinary run.
test.skip('interop with geth: run `npm run test:interop` (needs Go)', () => {});

test('the interop suite says in one line that Go is missing, and fails', () => {
  const script = fileURLToPath(new URL('../../scripts/interop.mjs', import.meta.url));
  const done = spawnSync(process.execPath, [script], { env: { PATH: '' }, encoding: 'utf8' });
  expect(done.status).toBe(1);
  expect(done.stdout).toBe('');
  expect(done.stderr.trim().split('\n')).toEqual([expect.stringMatching(/^interop: Go is not installed; /)]);
});
