import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** A certificate authority made for one run, and one leaf for every host that the stand-in plays. */
export interface Authority {
  caPem: string;
  leafPem: string;
  leafKeyPem: string;
}

// DER by hand (X.690): a certificate is forty lines of it, and no package has to be trusted or loaded.
function der(tag: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const hex = body.length.toString(16);
  const length = Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, body]);
}

const sequence = (...parts: Buffer[]) => der(0x30, ...parts);
const octets = (...parts: Buffer[]) => der(0x04, ...parts);
const bits = (unused: number, body: Buffer) => der(0x03, Buffer.from([unused]), body);
const yes = der(0x01, Buffer.from([0xff]));

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'));
}

const ECDSA_SHA256 = sequence(oid('2a8648ce3d040302'));
const COMMON_NAME = oid('550403');

function name(common: string): Buffer {
  return sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from(common)))));
}

/** UTCTime, `YYMMDDHHMMSSZ`. */
function time(date: Date): Buffer {
  return der(0x17, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`));
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return critical ? sequence(oid(id), yes, octets(value)) : sequence(oid(id), octets(value));
}

function keyId(spki: Buffer): Buffer {
  return createHash('sha1').update(spki).digest();
}

function pem(label: string, body: Buffer): string {
  const lines = body.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

function certificate(
  subject: string,
  spki: Buffer,
  issuer: string,
  key: KeyObject,
  extensions: Buffer[],
): string {
  const day = 86_400_000;
  const tbs = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))), // version 3
    der(0x02, Buffer.concat([Buffer.from([0x01]), randomBytes(15)])),
    ECDSA_SHA256,
    name(issuer),
    sequence(time(new Date(Date.now() - day)), time(new Date(Date.now() + 30 * day))),
    name(subject),
    spki,
    der(0xa3, sequence(...extensions)),
  );
  return pem('CERTIFICATE', sequence(tbs, ECDSA_SHA256, bits(0, sign('sha256', tbs, key))));
}

/** Makes both certificates; the key identifiers are there because Python 3.13 refuses chains without them. */
export function createAuthority(hosts: readonly string[]): Authority {
  const ca = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const leaf = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const caSpki = ca.publicKey.export({ type: 'spki', format: 'der' });
  const leafSpki = leaf.publicKey.export({ type: 'spki', format: 'der' });
  const caName = 'Stand-in for TikTok, test CA';
  const caPem = certificate(caName, caSpki, caName, ca.privateKey, [
    extension('551d13', true, sequence(yes)),
    extension('551d0f', true, bits(1, Buffer.from([0x06]))), // keyCertSign, cRLSign
    extension('551d0e', false, octets(keyId(caSpki))),
  ]);
  const leafPem = certificate('tiktok.com', leafSpki, caName, ca.privateKey, [
    extension('551d13', true, sequence()),
    extension('551d0f', true, bits(7, Buffer.from([0x80]))), // digitalSignature
    extension('551d25', false, sequence(oid('2b06010505070301'))), // serverAuth
    extension('551d0e', false, octets(keyId(leafSpki))),
    extension('551d23', false, sequence(der(0x80, keyId(caSpki)))),
    extension('551d11', false, sequence(...hosts.map((host) => der(0x82, Buffer.from(host))))),
  ]);
  const leafKeyPem = leaf.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { caPem, leafPem, leafKeyPem };
}
