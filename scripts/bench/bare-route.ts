/** One Fastify route that sends the same bytes for every request: what scripts/bench/cache.ts measures against. */
import { readFileSync } from 'node:fs';
import Fastify from 'fastify';

const [, , file = '', port = '0'] = process.argv;
const answer = readFileSync(file);
const app = Fastify();
app.post('/tiktok', async (_request, reply) => reply.type('application/json; charset=utf-8').send(answer));
process.stdout.write(`${await app.listen({ host: '127.0.0.1', port: Number(port) })}\n`);
