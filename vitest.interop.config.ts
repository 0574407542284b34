import { defineConfig } from 'vitest/config';
import { reporters } from './test/support/reporters.js';

// The suite that needs Go; `npm run test:interop` builds what it drives. One file at a time: every test starts
// real processes, and two cores are enough for one pair of nodes.
export default defineConfig({
  test: {
    include: ['test/interop/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: reporters('interop'),
  },
});
