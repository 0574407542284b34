import { describe, expect, test } from 'vitest';
import type { SatelliteProtocol } from '../../src/session/index.js';
import { hash, noise, SECOND, Town } from '../support/rows-town.js';

const chat = (heard: number[]): SatelliteProtocol => ({
  ...{ name: 'chat', version: 1, length: 2, maxBytes: [100_000, 10] },
  onSession: () => ({ message: (_, payload) => void heard.push(payload.length) }),
});

describe('between Hello and Status', () => {
  test('F1, F12: a frame that Status cannot need is refused on its header', async () => {
    const town = new Town(1, { link: { latencyMs: 5, bytesPerSecond: 100_000 } });
    const node = await town.node();
    const { session } = await town.caller(node, { holdBack: ['status'] });
    await town.clock.advance(SECOND);
    expect(node.manager.list().map(({ state }) => state)).toEqual(['verifying']);
    session.sendRaw(0, noise(1_000_000)); // ten seconds on the wire, and two for Status
    await town.clock.advance(SECOND);
    expect(node.causes).toMatchObject([
      { outcome: 'faulted', stage: 'verifying', code: 'ERR_RLPX_FRAME_SIZE', reasonSent: 2 },
    ]);
    expect(node.causes[0]?.counters.bytesIn).toBeLessThan(150_000);
  });

  test('F1, F12: the bound is that of Status, compressed by whoever does it worst', async () => {
    for (const [bytes, code] of [
      [2_049, 'ERR_SESSION_MESSAGE_SIZE'],
      [2_400, 'ERR_SESSION_MESSAGE_SIZE'],
      [2_600, 'ERR_RLPX_FRAME_SIZE'],
    ] as const) {
      const town = new Town();
      const node = await town.node();
      const { session } = await town.caller(node, { holdBack: ['status'] });
      await town.clock.advance(SECOND);
      session.sendRaw(0, noise(bytes));
      await town.clock.advance(SECOND);
      expect(node.causes).toMatchObject([{ stage: 'verifying', code, reasonSent: 2 }]);
    }
  });

  test('F1: after Status a large frame is welcome, in the same packet, and while the session waits for its place', async () => {
    const town = new Town();
    const gossip: string[] = [];
    const node = await town.node({ gossip: ({ name }) => void gossip.push(name) });
    const { session } = await town.caller(node, { holdBack: ['status'] });
    await town.clock.advance(SECOND);
    session.release();
    session.send({ name: 'Transactions', transactions: [transaction(90_000)] });
    await town.clock.advance(SECOND);
    expect(gossip).toEqual(['Transactions']);
    expect(node.manager.active()).toHaveLength(1);
  });

  test('F1: protocols beside eth may say their first words, as large as theirs are, and no larger', async () => {
    for (const [bytes, ends] of [
      [100_000, false],
      [120_000, true],
    ] as const) {
      const town = new Town();
      const heard: number[] = [];
      const node = await town.node({ capabilities: [chat(heard)] });
      const capabilities = [
        { name: 'chat', version: 1, length: 2 },
        { name: 'eth', version: 69, length: 18 },
      ];
      const { session } = await town.caller(node, { capabilities, holdBack: ['status'] });
      await town.clock.advance(SECOND);
      session.sendRaw(0, noise(bytes), 'chat');
      await town.clock.advance(SECOND);
      expect(heard).toEqual([]);
      expect(node.causes.map(({ code }) => code)).toEqual(ends ? ['ERR_RLPX_FRAME_SIZE'] : []);
      if (ends) continue;
      session.release();
      await town.clock.advance(SECOND);
      expect(heard).toEqual([bytes]);
    }
  });
});

/** RLP of a legacy transaction by form: nine fields, of which the data is this long. */
function transaction(dataBytes: number): Uint8Array {
  const data = [0xb9 + (dataBytes >> 16), ...lengthOf(dataBytes), ...noise(dataBytes)];
  const fields = [1, 1, 1, 0x80, 1, ...data, 0x1b, 0xa0, ...hash(7), 0xa0, ...hash(8)];
  return Uint8Array.from([0xf9 + (fields.length >> 16), ...lengthOf(fields.length), ...fields]);
}

function lengthOf(bytes: number): number[] {
  const digits = [bytes >> 16, (bytes >> 8) & 255, bytes & 255];
  return digits.slice(digits.findIndex((digit) => digit > 0));
}
