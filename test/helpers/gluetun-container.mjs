// Stands in for gluetun v3.41 in a container: its control server with one role, its health, and what a killed one leaves
// behind, which the next one cannot make again. Runs as /gluetun-entrypoint.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const HEALTH = { host: '127.0.0.1', port: 9999 };

if (process.argv[2] === 'healthcheck') {
  get(HEALTH, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1)).on('error', () =>
    process.exit(1),
  );
} else {
  process.on('SIGTERM', () => {
    execFileSync('ip', ['rule', 'del', 'pref', '101']);
    process.exit(0);
  });
  const key = /apikey = "(.*)"/.exec(readFileSync('/gluetun/auth/config.toml', 'utf8'))?.[1];
  let status = 'starting';
  createServer((request, response) => {
    const allowed = request.headers['x-api-key'] === key;
    const body = request.url === '/v1/vpn/status' ? { status } : { public_ip: '' };
    response.writeHead(allowed ? 200 : 401).end(JSON.stringify(body));
  }).listen(8000, '127.0.0.1');
  createServer((_request, response) => {
    response.writeHead(status === 'running' ? 200 : 500).end();
  }).listen(HEALTH.port, HEALTH.host);
  await sleep(Number(process.env.TUNNEL_MS));
  for (;;) {
    try {
      execFileSync('ip', ['rule', 'add', 'not', 'fwmark', '51820', 'table', '51820', 'pref', '101']);
      break;
    } catch {
      // "File exists": retried as seldom as gluetun does.
      await sleep(15_000);
    }
  }
  status = 'running';
}
