import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a conformance suite takes for the engine API of an execution client; rlpxd has none. */
export interface EngineStub {
  readonly url: string;
  readonly calls: number;
  close(): void;
}

/** Answers every call as an execution client does that has the head already. */
export async function startEngineStub(): Promise<EngineStub> {
  let calls = 0;
  const server = createServer((request, response) => {
    calls++;
    request.resume().on('end', () => {
      response.setHeader('content-type', 'application/json');
      const result = { payloadStatus: { status: 'VALID' } };
      response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, result }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    get calls(): number {
      return calls;
    },
    close: () => void server.close(),
  };
}
