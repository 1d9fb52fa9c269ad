import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeGluetun {
  url: string;
  /** `METHOD path body` of each request but the polling for the address. */
  requests: string[];
  /** Times that the VPN was stopped and started. */
  reconnects: number;
  close(): Promise<void>;
}

/**
 * gluetun's control server (3.41): stopping takes the address away, starting brings another one after a while.
 * @param onNewAddress what changes for TikTok with the address
 */
export async function startGluetun(
  apiKey: string,
  tunnelMs: number,
  onNewAddress: () => void,
): Promise<FakeGluetun> {
  let address = '198.51.100.1';
  let stopped = false;
  const fake = { requests: [] as string[], reconnects: 0 };

  const answer = (response: ServerResponse, status: number, body: object): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  const setStatus = (status: string): void => {
    if (status === 'stopped') {
      stopped = true;
      address = '';
    } else if (stopped) {
      stopped = false;
      fake.reconnects += 1;
      setTimeout(() => {
        address = `198.51.100.${fake.reconnects + 1}`;
        onNewAddress();
      }, tunnelMs);
    }
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const isPoll = request.url === '/v1/publicip/ip';
    if (!isPoll) fake.requests.push(`${request.method} ${request.url} ${body}`);
    if (request.headers['x-api-key'] !== apiKey) return answer(response, 401, {});
    if (isPoll) return answer(response, 200, { public_ip: address });
    if (request.method !== 'PUT' || request.url !== '/v1/vpn/status') return answer(response, 404, {});
    const { status } = JSON.parse(body) as { status: string };
    setStatus(status);
    return answer(response, 200, { outcome: status });
  };
  const server = createServer((request, response) => void handle(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(fake, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  });
}
