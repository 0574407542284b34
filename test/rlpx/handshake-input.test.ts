import { expect, test } from 'vitest';
import { DISCONNECT, type HandshakeJob, type HandshakeTurns } from '../../src/rlpx/index.js';
import { meet, openPair, owning, scripted } from '../support/rlpx-connections.js';

/** Lets everyone wait until the test says so; what has begun goes on by itself, or where `holdsBegun`, when the test says so. */
class HeldTurns implements HandshakeTurns {
  readonly jobs: HandshakeJob[] = [];
  readonly begun: HandshakeJob[] = [];
  readonly left: HandshakeJob[] = [];
  place: 'later' | 'never' = 'later';
  inPieces = true;
  holdsBegun = false;

  enter(job: HandshakeJob): 'later' | 'never' {
    if (this.place === 'later') this.jobs.push(job);
    return this.place;
  }

  goOn(job: HandshakeJob): void {
    this.begun.push(job);
    if (!this.holdsBegun) queueMicrotask(() => job.run());
  }

  leave(job: HandshakeJob): void {
    this.left.push(job);
  }
}

/** A dialling peer of script, and an owner whose handshake waits. */
async function waiting(handshakes: HeldTurns) {
  const met = await meet(
    { dialler: scripted('initiator'), listener: owning('recipient', { handshakes }) },
    { pieces: 'whole' },
  );
  met.dialler.write(met.dialler.start());
  await met.clock.advance(20);
  return { clock: met.clock, peer: met.dialler, owner: met.listener };
}

test('a whole auth waits for its turn, and goes on from there', async () => {
  const handshakes = new HeldTurns();
  const { clock, peer, owner } = await waiting(handshakes);
  expect(handshakes.jobs).toMatchObject([{ from: '10.0.0.1', ours: false }]);
  expect(owner.connection?.stage).toBe('authenticating');
  expect(owner.connection?.stats.bytesOut).toBe(0);
  handshakes.jobs[0]?.run();
  await clock.advance(20);
  peer.send(0, peer.hello({}));
  await clock.advance(20);
  expect(owner.connection?.stage).toBe('open');
  expect(handshakes.left).toEqual([]);
});

test('what we dialled says so, and what came behind the ack is not lost', async () => {
  const handshakes = new HeldTurns();
  const { clock, dialler, listener } = await openPair({ dialler: { handshakes } });
  expect(handshakes.jobs).toMatchObject([{ from: '10.0.0.2', ours: true }]);
  expect(dialler.connection?.stage).toBe('authenticating');
  handshakes.jobs[0]?.run();
  await clock.advance(100);
  expect(dialler.connection?.stage).toBe('open');
  expect(listener.connection?.stage).toBe('open');
});

test('what came behind the ack is heard though the peer has gone, while the ack waits', async () => {
  const handshakes = new HeldTurns();
  handshakes.holdsBegun = true;
  const { clock, dialler, listener } = await meet(
    { dialler: owning('initiator', { handshakes }), listener: owning('recipient') },
    { pieces: 'whole' },
  );
  listener.on = (call) => {
    if (call === 'authenticated') listener.open.disconnect(DISCONNECT.tooManyPeers);
  };
  await clock.advance(20);
  handshakes.jobs[0]?.run();
  await clock.advance(20);
  expect(listener.connection?.stage).toBe('ended');
  expect(dialler.connection?.stage).toBe('authenticating');
  handshakes.begun[0]?.run();
  await clock.advance(20);
  expect(dialler.end).toMatchObject({ by: 'remote', received: DISCONNECT.tooManyPeers });
});

test('little is read while it waits, and nothing while its owner wants none', async () => {
  const handshakes = new HeldTurns();
  const { clock, peer, owner } = await waiting(handshakes);
  peer.write(new Uint8Array(5_000));
  await clock.advance(20);
  const before = owner.connection?.stats.bytesIn;
  peer.write(new Uint8Array(5_000));
  await clock.advance(20);
  expect(owner.connection?.stats.bytesIn).toBe(before);
  owner.connection?.pause();
  owner.connection?.resume();
  await clock.advance(20);
  expect(owner.connection?.stats.bytesIn).toBe(before);
  owner.connection?.pause();
  handshakes.jobs[0]?.run();
  await clock.advance(20);
  expect(owner.connection?.stats.bytesIn).toBe(before);
  owner.connection?.resume();
  await clock.advance(20);
  expect(owner.end).toMatchObject({ code: 'ERR_RLPX_MAC' });
});

test('an auth is three pieces of work and a last one, each in a turn of its own; whoever waits for it is not the peer', async () => {
  const handshakes = new HeldTurns();
  handshakes.holdsBegun = true;
  const { clock, peer, owner } = await waiting(handshakes);
  handshakes.jobs[0]?.run();
  for (let pieces = 1; pieces < 4; pieces++) {
    await clock.advance(20);
    expect(handshakes.begun).toHaveLength(pieces);
    expect(owner.connection?.owesHandshake).toBe(true);
    expect(owner.connection?.stats.bytesOut).toBe(0);
    handshakes.begun.at(-1)?.run();
  }
  await clock.advance(20);
  expect(handshakes.begun).toHaveLength(3);
  peer.send(0, peer.hello({}));
  await clock.advance(20);
  expect(owner.connection?.stage).toBe('open');
  expect(handshakes.left).toEqual([]);
});

test('where nobody else is served, all of it is one piece', async () => {
  const handshakes = new HeldTurns();
  handshakes.inPieces = false;
  const { clock, peer, owner } = await waiting(handshakes);
  handshakes.jobs[0]?.run();
  expect(handshakes.begun).toEqual([]);
  await clock.advance(20);
  peer.send(0, peer.hello({}));
  await clock.advance(20);
  expect(owner.connection?.stage).toBe('open');
});

test.each([1, 2, 3])('whoever goes away after piece %i leaves no work behind', async (pieces) => {
  const handshakes = new HeldTurns();
  handshakes.holdsBegun = true;
  const { clock, peer, owner } = await waiting(handshakes);
  handshakes.jobs[0]?.run();
  for (let done = 1; done < pieces; done++) handshakes.begun.at(-1)?.run();
  peer.socket.destroy();
  await clock.advance(20);
  expect(handshakes.left).toEqual(handshakes.jobs);
  expect(owner.connection?.stage).toBe('ended');
  expect(owner.connection?.stats.bytesOut).toBe(0);
  expect(clock.pendingTimers).toBe(0);
});

test.each([
  ['it is destroyed', 'destroy'],
  ['the peer goes away', 'peer'],
] as const)('its place is given back when %s', async (_when, how) => {
  const handshakes = new HeldTurns();
  const { clock, peer, owner } = await waiting(handshakes);
  if (how === 'destroy') owner.connection?.destroy();
  else peer.socket.destroy();
  await clock.advance(20);
  expect(handshakes.left).toEqual(handshakes.jobs);
  expect(owner.connection?.stage).toBe('ended');
  expect(owner.connection?.stats.bytesOut).toBe(0);
});

test('H7: where there is no room for it, or none any more, it ends without work and without a word', async () => {
  for (const place of ['never', 'later'] as const) {
    const handshakes = new HeldTurns();
    handshakes.place = place;
    const { clock, owner } = await waiting(handshakes);
    handshakes.jobs[0]?.dropped();
    await clock.advance(20);
    expect(owner.end).toMatchObject({ by: 'local', code: 'ERR_RLPX_BUSY' });
    expect(owner.connection?.stats.bytesOut).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  }
});
