// @ts-check
/** The least that an HTTP server can do, on a port that it prints: what a machine makes of that is no service's fault. */
import { createServer } from 'node:http';

const server = createServer((_request, response) => response.end('{"status":"ok"}'));
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  const address = server.address();
  if (address !== null && typeof address !== 'string') process.stdout.write(`${address.port}\n`);
});
process.stdin.resume().once('end', () => process.exit());
