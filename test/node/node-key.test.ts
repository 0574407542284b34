import { expect, test } from 'vitest';
import { bytesToHex } from '../../src/codec/index.js';
import { nobleCrypto } from '../../src/crypto/index.js';
import { ConfigError, createKeyFile, readKeyFile } from '../../src/node/index.js';
import { createNodeKey, readNodeKey } from '../../src/node/node-key.js';
import { RuntimeError, simulatedWorld } from '../../src/runtime/index.js';

const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const tools = () => ({ ...simulatedWorld({ seed: 1 }), crypto: nobleCrypto });

async function fault(work: Promise<unknown>): Promise<ConfigError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof ConfigError) return error;
  throw new Error(`no ConfigError: ${String(error)}`);
}

test('a key is made with mode 600 and read back', async () => {
  const at = tools();
  const key = await createNodeKey('/k', at);
  expect(await at.files.stat('/k')).toMatchObject({ mode: 0o600, bytes: 65 });
  expect(await readNodeKey('/k', at)).toEqual(key);
  await expect(createNodeKey('/k', at)).rejects.toThrow(RuntimeError);
});

test.each([0o640, 0o604, 0o644, 0o660, 0o666, 0o601])(
  'a key file of mode %o is refused, with the mend',
  async (mode) => {
    const at = tools();
    await at.files.writeWhole("/it's mine", text('01'.repeat(32)), mode);
    const error = await fault(readNodeKey("/it's mine", at));
    expect(error.code).toBe('ERR_CONFIG_KEY_MODE');
    expect(error.message).toContain(`chmod 600 '/it'\\''s mine'`);
  },
);

test.each([0o600, 0o400, 0o700])('a key file of mode %o is read', async (mode) => {
  const at = tools();
  await at.files.writeWhole('/k', text(`0x${'0A'.repeat(32)}\r\n`), mode);
  expect(bytesToHex(await readNodeKey('/k', at))).toBe('0a'.repeat(32));
});

test.each([
  ['nothing', ''],
  ['63 digits', 'a'.repeat(63)],
  ['words', 'not a key at all'],
  ['zero', '00'.repeat(32)],
  ['the order of the curve', 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141'],
  ['a whole file of something', 'ab'.repeat(5_000)],
])('a key file with %s is refused', async (_, content) => {
  const at = tools();
  await at.files.writeWhole('/k', text(content), 0o600);
  const error = await fault(readNodeKey('/k', at));
  expect(error.code).toBe('ERR_CONFIG_KEY');
  expect(error.message).toContain('/k');
  if (content.length > 8) expect(error.message).not.toContain(content.slice(0, 8));
});

test('a key file that is missing, or a folder, is said so', async () => {
  const at = tools();
  await at.files.makeDirectory('/folder');
  expect(await fault(readNodeKey('/none', at))).toMatchObject({ code: 'ERR_CONFIG_FILE' });
  expect((await fault(readNodeKey('/folder', at))).message).toContain('is a folder');
});

test('the commands show the public half', async () => {
  const world = simulatedWorld({ seed: 1 });
  const made = await createKeyFile('/k', world);
  expect(made.publicKey).toMatch(/^[0-9a-f]{128}$/);
  expect(made.id).toMatch(/^[0-9a-f]{64}$/);
  expect(await readKeyFile('/k', world)).toEqual(made);
});
