import { test } from 'vitest';

// The interop suite has a command and a configuration of its own; this line tells so in every ordinary run.
test.skip('interop with geth: run `npm run test:interop` (needs Go)', () => {});
