/**
 * Everything outside of the service's network, as a program: the resolver, the stand-in for TikTok at the addresses that
 * the resolver gives, and a proxy. Its argument is JSON of OutsideOptions. It prints a line of JSON when it is ready, and
 * one with what it saw after a line on standard input.
 */
import { connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import ipaddr from 'ipaddr.js';
import { roleOf } from '../standin/hosts.ts';
import { startStandin, videoPost } from '../standin/index.ts';
import { serveDns } from './dns.ts';
import { PROXY_PORT } from './network.ts';

export interface OutsideOptions {
  /** Addresses of every name, N standing for the number of the name (2 hexadecimal digits: NN). */
  addresses: readonly string[];
  /** Of media hosts, where they are others. */
  mediaAddresses?: readonly string[];
  /** Of ipv4only.arpa; by default it has its two IPv4 addresses. */
  ipv4only?: readonly string[];
  /** Media hosts answer 403 to whoever does not come through the proxy, or reset the connection. */
  direct?: 'refused' | 'reset';
}

/** What was seen outside. */
export interface Seen {
  /** Addresses to which connections were made that are no host's: the inside of somebody's network. */
  inside: string[];
  /** Requests to media hosts without and with the proxy. */
  media: { direct: number; proxy: number };
}

export interface Ready {
  caFile: string;
  url: string;
  /** Of each rendition of the post's video. */
  sha256: string[];
}

const WELL_KNOWN = ['192.0.0.170', '192.0.0.171'];

const options = JSON.parse(process.argv[2] ?? '') as OutsideOptions;
const standin = await startStandin();
const post = standin.posts.add(videoPost());
const inside: string[] = [];
/** Address → host. */
const hosts = new Map<string, string>();
const numbers = new Map<string, number>();

const canonical = (address: string) => ipaddr.process(address).toString();

await serveDns((name) => {
  if (name === 'ipv4only.arpa') return options.ipv4only ?? WELL_KNOWN;
  if (!/(?:tiktok|tiktokcdn|tiktokv|douyin)/.test(name)) return null;
  const number = numbers.get(name) ?? numbers.size + 1;
  numbers.set(name, number);
  const isMedia = roleOf(name) === 'cdn';
  const templates = (isMedia && options.mediaAddresses) || options.addresses;
  return templates.map((template) => {
    const hex = number.toString(16).padStart(2, '0');
    const address = canonical(template.replace('NN', hex).replace('N', String(number)));
    if (template.includes('N')) hosts.set(address, name);
    return address;
  });
});

function join(socket: Socket, other: Socket): void {
  socket.pipe(other).pipe(socket);
  for (const one of [socket, other]) {
    one
      .on('error', () => {})
      .on('close', () => {
        socket.destroy();
        other.destroy();
      });
  }
}

const standinPort = Number(new URL(standin.proxyUrl).port);
/** Who comes directly has this name at the stand-in's proxy. */
const IDENTITY = Buffer.from('direct:x').toString('base64');

/** TLS of a host, at any of its addresses. */
createServer((socket) => {
  const address = canonical(socket.localAddress ?? '');
  const host = hosts.get(address);
  socket.on('error', () => {});
  if (host === undefined) {
    inside.push(address);
    socket.destroy();
    return;
  }
  if (options.direct === 'reset' && roleOf(host) === 'cdn') {
    socket.resetAndDestroy();
    return;
  }
  const onward = connect(standinPort, '127.0.0.1', () => {
    onward.write(
      `CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\nProxy-Authorization: Basic ${IDENTITY}\r\n\r\n`,
    );
    // The answer to CONNECT is the first thing that comes.
    onward.once('data', () => join(socket, onward));
  });
  onward.on('error', () => socket.destroy());
}).listen(443, '::');

createServer((socket) => join(socket, connect(standinPort, '127.0.0.1'))).listen(PROXY_PORT, '::');

if (options.direct === 'refused') {
  for (const part of ['video', 'play'] as const) {
    standin.faults.add({ identity: 'direct', part }, { kind: 'status', status: 403 });
  }
}

const ready: Ready = {
  caFile: standin.caFile,
  url: post.url,
  sha256: post.renditions.map((_, index) => standin.media.sha256({ post, part: 'video', index })),
};
process.stdout.write(`${JSON.stringify(ready)}\n`);

createInterface({ input: process.stdin }).on('line', () => {
  const media = standin.journal.find({ kind: 'cdn' });
  const direct = media.filter(({ identity }) => identity === 'direct').length;
  const seen: Seen = { inside, media: { direct, proxy: media.length - direct } };
  process.stdout.write(`${JSON.stringify(seen)}\n`);
});
