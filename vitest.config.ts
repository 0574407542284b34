import { defineConfig } from 'vitest/config';
import { reporters } from './test/support/reporters.js';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/interop/**', '**/node_modules/**'],
    testTimeout: 30_000,
    reporters: reporters('unit'),
  },
});
