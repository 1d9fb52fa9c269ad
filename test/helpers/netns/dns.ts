import { createSocket, type Socket } from 'node:dgram';
import ipaddr from 'ipaddr.js';

const TYPE_A = 1;
const TYPE_AAAA = 28;
const NXDOMAIN = 3;

/** Serves A and AAAA records (RFC 1035) over UDP, on port 53 of all addresses. */
export async function serveDns(addressesOf: (name: string) => readonly string[] | null): Promise<Socket> {
  const socket = createSocket('udp6');
  socket.on('message', (query, { address, port }) => {
    const { name, type, end } = readQuestion(query);
    const addresses = addressesOf(name);
    const records = (addresses ?? [])
      .map((one) => ipaddr.parse(one))
      .filter((one) => type === (one.kind() === 'ipv4' ? TYPE_A : TYPE_AAAA))
      .map((one) => recordOf(type, Buffer.from(one.toByteArray())));
    const head = Buffer.alloc(12);
    query.copy(head, 0, 0, 2);
    // Response, authoritative, recursion desired and available.
    head.writeUInt16BE(0x8580 | (addresses === null ? NXDOMAIN : 0), 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(records.length, 6);
    socket.send(Buffer.concat([head, query.subarray(12, end), ...records]), port, address);
  });
  await new Promise<void>((resolve) => socket.bind(53, '::', resolve));
  return socket;
}

function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

/** A record about the name of the question, without a life, so that nothing is cached. */
function recordOf(type: number, address: Buffer): Buffer {
  const head = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, address.length]);
  return Buffer.concat([head, address]);
}
