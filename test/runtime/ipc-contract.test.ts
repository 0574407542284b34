import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { IpcSocket } from '../../src/runtime/index.js';
import { rejection, TWINS, type Twin } from '../support/runtime-worlds.js';

/** Sends back whatever comes, and ends when the other end does. */
function echo(socket: IpcSocket): void {
  socket.attach({
    data: (chunk) => socket.write([chunk.slice()]),
    drain: () => undefined,
    end: () => socket.end(),
    closed: () => undefined,
  });
}

/** What comes back until the other end is done. */
function talk(socket: IpcSocket, text: string): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    socket.attach({
      data: (chunk) => {
        heard += new TextDecoder().decode(chunk);
      },
      drain: () => undefined,
      end: () => undefined,
      closed: () => resolve(heard),
    });
    socket.write([new TextEncoder().encode(text)]);
    socket.end();
  });
}

describe.each(TWINS)('ipc, $name', ({ open }) => {
  let twin: Twin;
  let path: string;
  beforeEach(async () => {
    twin = await open();
    path = `${twin.folder}/a.ipc`;
  });
  afterEach(() => twin.dispose());

  test('carries bytes both ways, and takes its file away', async () => {
    const { ipc } = twin.world;
    const listener = await twin.settle(ipc.listen(path, echo));
    const said = (async () => talk(await ipc.connect(path), 'once there was'))();
    expect(await twin.settle(said)).toBe('once there was');
    await twin.settle(listener.close());
    await twin.settle(listener.close());
    expect(await twin.settle(rejection(ipc.connect(path)))).toMatchObject({
      code: 'ERR_RUNTIME_CONNECT',
      detail: 'ENOENT',
    });
  });

  test('a second listener is refused while the first one lives', async () => {
    const { ipc } = twin.world;
    const first = await twin.settle(ipc.listen(path, echo));
    expect(await twin.settle(rejection(ipc.listen(path, echo)))).toMatchObject({
      code: 'ERR_RUNTIME_LISTEN',
      detail: 'EADDRINUSE',
    });
    await twin.settle(first.close());
    await twin.settle((await twin.settle(ipc.listen(path, echo))).close());
  });
});
