import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { Cli, ensureBuilt } from '../support/bin-cli.js';
import { demo } from '../support/node-worlds.js';

const script = fileURLToPath(new URL('../../examples/chat.mjs', import.meta.url));

beforeAll(ensureBuilt, 60_000);

function enode({ stdout }: Cli): string | undefined {
  return /^enode:\/\/\S+$/m.exec(stdout)?.[0];
}

test('002.9: the chat example has 40 lines at most, and two of it talk to each other', async () => {
  expect(readFileSync(script, 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(40);
  const genesis = demo.path('genesis.json');
  const first = new Cli([genesis], { script });
  const second = new Cli([genesis, await first.until(enode)], { script });
  const isThere = ({ stdout }: Cli): true | undefined => stdout.includes('"rlpxd/v') || undefined;
  await Promise.all([first.until(isThere), second.until(isThere)]);
  first.say('who is there?');
  await second.until(({ stdout }) => stdout.includes('"who is there?"\n') || undefined);
  second.say('me \u0007');
  await first.until(({ stdout }) => stdout.includes('"me \\u0007"\n') || undefined);
  first.say(undefined);
  expect(await first.done).toMatchObject({ code: 0, stderr: '' });
  second.say(undefined);
  expect(await second.done).toMatchObject({ code: 0, stderr: '' });
});
