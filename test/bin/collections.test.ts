import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { collectSeldom } from '../../bin/collections.js';

test('this V8 knows the option that the daemon sets, and takes it while it runs', () => {
  const { stdout } = spawnSync(process.execPath, ['--v8-options'], { encoding: 'utf8' });
  expect(stdout).toContain('--heap-growing-percent');
  expect(collectSeldom).not.toThrow();
});
