import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { type AddressInfo, createServer as createNetServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { publicUrl, realWeb, SimulatedWeb, VirtualClock, type Web } from '../../src/runtime/index.js';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** A server that answers a post with its body, twice as long, and each message of a WebSocket likewise. */
interface Place {
  readonly web: Web;
  readonly http: string;
  readonly ws: string;
  /** Waits for what is on its way. */
  settle<T>(work: Promise<T>): Promise<T>;
  pass(ms: number): Promise<void>;
  /** From now on nobody is there, and sockets that were open are cut. */
  stop(): Promise<void>;
}

const doubled = (said: string): string => said + said;

async function simulated(): Promise<Place> {
  const clock = new VirtualClock();
  const web = new SimulatedWeb(clock);
  const [http, ws] = ['http://127.0.0.1:8545', 'ws://127.0.0.1:8546'];
  web.serve(http, {
    post: async (body) => {
      if (body === 'silence') return new Promise(() => undefined);
      if (body === 'refused') throw 'status 500';
      return doubled(body);
    },
  });
  web.serve(ws, {
    open: (peer) => ({ message: (said) => peer.send(doubled(said)), closed: () => undefined }),
  });
  return {
    ...{ web, http, ws },
    settle: (work) => clock.settle(work),
    pass: (ms) => clock.advance(ms),
    stop: async () => {
      web.serve(http, undefined);
      web.serve(ws, undefined);
    },
  };
}

async function real(): Promise<Place> {
  const server: Server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => {
      body += part;
    });
    request.on('end', () => {
      if (body === 'silence') return;
      response.writeHead(body === 'refused' ? 500 : 200).end(doubled(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sockets = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await new Promise<void>((resolve) => sockets.once('listening', resolve));
  sockets.on('connection', (socket) =>
    socket.on('message', (said) => socket.send(doubled(String(said)))).on('error', () => undefined),
  );
  let stopped = false;
  return {
    web: realWeb(),
    http: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ws: `ws://127.0.0.1:${(sockets.address() as AddressInfo).port}`,
    settle: (work) => work,
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, Math.min(ms, 50))),
    stop: async () => {
      if (stopped) return;
      stopped = true;
      server.closeAllConnections();
      for (const socket of sockets.clients) socket.terminate();
      await Promise.all([
        new Promise((resolve) => server.close(resolve)),
        new Promise((resolve) => sockets.close(resolve)),
      ]);
    },
  };
}

describe.each([
  ['real', real],
  ['simulated', simulated],
] as const)('the %s web', (_name, make) => {
  let place: Place;
  beforeEach(async () => {
    place = await make();
  });
  afterEach(() => place.stop());

  const post = (body: string, maxBytes = 1_000, signal?: AbortSignal): Promise<Uint8Array> =>
    place.settle(place.web.post(place.http, body, { maxBytes, ...(signal === undefined ? {} : { signal }) }));

  /** Lets time pass until it is so; what never is fails by its expectation. */
  const until = async (isSo: () => boolean): Promise<void> => {
    for (let turn = 0; turn < 300 && !isSo(); turn++) await place.pass(20);
  };

  test('posts and has the answer, again and again', async () => {
    for (const body of ['{}', 'ünï', '', 'x'.repeat(500)]) expect(text(await post(body))).toBe(doubled(body));
    const bodies = Array.from({ length: 20 }, (_, at) => `${at}`);
    const many = bodies.map((body) => place.web.post(place.http, body, { maxBytes: 1_000 }));
    expect((await place.settle(Promise.all(many))).map(text)).toEqual(bodies.map(doubled));
  });

  test('says what came of it where there is no answer', async () => {
    await expect(post('x'.repeat(501))).rejects.toMatchObject({
      ...{ code: 'ERR_RUNTIME_WEB', message: expect.stringContaining('longer than 1000 bytes') },
    });
    await expect(post('refused')).rejects.toMatchObject({
      ...{ code: 'ERR_RUNTIME_WEB', message: expect.stringContaining('status 500') },
    });
    await place.stop();
    await expect(post('{}')).rejects.toMatchObject({ code: 'ERR_RUNTIME_WEB', detail: 'ECONNREFUSED' });
  });

  test('is called off, before and while it waits', async () => {
    await expect(post('{}', 1_000, AbortSignal.abort())).rejects.toMatchObject({
      code: 'ERR_RUNTIME_ABORTED',
    });
    const gone = new AbortController();
    const waiting = place.web.post(place.http, 'silence', { maxBytes: 10, signal: gone.signal });
    await place.pass(20);
    gone.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_RUNTIME_ABORTED' });
  });

  test('opens a WebSocket, is told of each message and of one end', async () => {
    const heard: string[] = [];
    const ends: string[] = [];
    const handlers = {
      message: (bytes: Uint8Array) => heard.push(text(bytes)),
      closed: (says: string) => ends.push(says),
    };
    const link = await place.settle(place.web.open(place.ws, handlers, { maxBytes: 1_000 }));
    link.send('a');
    link.send('bc');
    await until(() => heard.length === 2);
    expect(heard).toEqual(['aa', 'bcbc']);
    link.send('x'.repeat(501)); // the answer is too long
    await until(() => ends.length === 1);
    expect(heard).toHaveLength(2);
    expect(ends).toHaveLength(1);
    link.send('d');
    link.close();
    link.close();
    await place.pass(50);
    expect(ends).toHaveLength(1);
  });

  test('a WebSocket that is closed from here, or cut from there, ends once', async () => {
    const ends: string[] = [];
    const open = () =>
      place.settle(
        place.web.open(
          place.ws,
          { message: () => undefined, closed: (says) => ends.push(says) },
          { maxBytes: 100 },
        ),
      );
    (await open()).close();
    await until(() => ends.length === 1);
    expect(ends).toHaveLength(1);
    await open();
    await place.stop();
    await until(() => ends.length === 2);
    expect(ends).toHaveLength(2);
    await expect(open()).rejects.toMatchObject({ code: 'ERR_RUNTIME_WEB', detail: 'ECONNREFUSED' });
    const opened = place.web.open(
      place.ws,
      { message: () => undefined, closed: () => undefined },
      { maxBytes: 100, signal: AbortSignal.abort() },
    );
    await expect(opened).rejects.toMatchObject({ code: 'ERR_RUNTIME_ABORTED' });
  });
});

describe('the real web', () => {
  test('sends a name and password as a header, and tells nobody of them', async () => {
    let headers: IncomingHttpHeaders = {};
    let path: string | undefined;
    const server = createServer((request, response) => {
      ({ headers, url: path } = request);
      request.resume();
      response.end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const url = `http://me:p%40ss@127.0.0.1:${port}/v3/key`;
    await realWeb().post(url, '{}', { maxBytes: 10 });
    expect(headers.authorization).toBe(`Basic ${Buffer.from('me:p@ss').toString('base64')}`);
    expect(headers['content-type']).toBe('application/json');
    expect(path).toBe('/v3/key');
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    const failed = await realWeb()
      .post(url, '{}', { maxBytes: 10 })
      .catch((error: unknown) => String(error));
    expect(failed).toContain(`http://127.0.0.1:${port}`);
    expect(failed).not.toMatch(/p@ss|p%40ss|key/);
    expect(publicUrl(url)).toBe(`http://127.0.0.1:${port}`);
  });

  test('posts again over a new connection where a kept one has been closed meanwhile', async () => {
    let connections = 0;
    let posts = 0;
    const sockets: Socket[] = [];
    // answers the first post of each connection, and cuts it at the second
    const server = createNetServer((socket) => {
      connections++;
      sockets.push(socket);
      let asked = 0;
      socket
        .on('error', () => undefined)
        .on('data', () => {
          if (++asked > 1) return socket.resetAndDestroy();
          posts++;
          return socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}');
        });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const web = realWeb();
    for (let turn = 0; turn < 4; turn++) expect(text(await web.post(url, '{}', { maxBytes: 10 }))).toBe('{}');
    expect(posts).toBe(4);
    expect(connections).toBeGreaterThan(1);
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  test('an answer that is broken off in the middle is none', async () => {
    const server = createNetServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"half":');
        setTimeout(() => socket.destroy(), 20);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    await expect(realWeb().post(url, '{}', { maxBytes: 1_000 })).rejects.toMatchObject({
      code: 'ERR_RUNTIME_WEB',
    });
    await new Promise((resolve) => server.close(resolve));
  });
});
