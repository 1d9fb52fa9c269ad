import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeGluetun {
  url: string;
  /** `PUT path body` of each request that changes something. */
  requests: string[];
  /** Times that the VPN was stopped and started. */
  reconnects: number;
  close(): Promise<void>;
}

interface GluetunOptions {
  /** From the start of the VPN to a tunnel that carries something. */
  tunnelMs: number;
  /** What changes for TikTok with the new tunnel. */
  onNewAddress: () => void;
  /** The service that tells gluetun its public address refuses to, and the address stays empty. */
  addressUnknown?: boolean;
}

/** gluetun's control server (3.41): stopping takes the address away, starting brings another one after a while. */
export async function startGluetun(
  apiKey: string,
  { tunnelMs, onNewAddress, addressUnknown = false }: GluetunOptions,
): Promise<FakeGluetun> {
  let address = addressUnknown ? '' : '198.51.100.1';
  let status = 'running';
  const fake = { requests: [] as string[], reconnects: 0 };

  const answer = (response: ServerResponse, code: number, body: object): void => {
    response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  const setStatus = (wanted: string): void => {
    if (wanted === 'stopped') {
      status = 'stopped';
      address = '';
    } else if (status === 'stopped') {
      status = 'starting';
      fake.reconnects += 1;
      setTimeout(() => {
        status = 'running';
        if (!addressUnknown) address = `198.51.100.${fake.reconnects + 1}`;
        onNewAddress();
      }, tunnelMs);
    }
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const route = `${request.method} ${request.url}`;
    if (request.method === 'PUT') fake.requests.push(`${route} ${body}`);
    if (request.headers['x-api-key'] !== apiKey) return answer(response, 401, {});
    if (route === 'GET /v1/publicip/ip') return answer(response, 200, { public_ip: address });
    if (route === 'GET /v1/vpn/status') return answer(response, 200, { status });
    if (route !== 'PUT /v1/vpn/status') return answer(response, 404, {});
    const wanted = (JSON.parse(body) as { status: string }).status;
    setStatus(wanted);
    return answer(response, 200, { outcome: wanted });
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
