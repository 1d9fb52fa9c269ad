/** A worker that solves a challenge of the service: finds the number for which SHA-256 of salt and number is the target. */

interface Challenge {
  /** ASCII; with the number less than 56 characters, which is one block. */
  salt: string;
  target: string;
  max: number;
}

/** Big-endian words, as SHA-256 (FIPS 180-4) has them. */
function view(words: number[]): DataView {
  const made = new DataView(new ArrayBuffer(256));
  for (const [index, value] of words.entries()) made.setInt32(index * 4, value);
  return made;
}
const word = (words: DataView, index: number) => words.getInt32(index * 4);
const rotate = (x: number, bits: number) => (x >>> bits) | (x << (32 - bits));

const primes: number[] = [];
for (let n = 2; primes.length < 64; n += 1) if (primes.every((prime) => n % prime)) primes.push(n);
const fraction = (root: number) => (root % 1) * 2 ** 32;
const constants = view(primes.map((prime) => fraction(Math.cbrt(prime))));
const start = view(primes.map((prime) => fraction(Math.sqrt(prime))));
const block = view([]);

/** Whether the hash of a text begins with these 64 bits, which no other number of a challenge has. */
function isHash(text: string, first: number, second: number): boolean {
  for (let t = 0; t < 16; t += 1) block.setInt32(t * 4, 0);
  for (let at = 0; at < text.length; at += 1) block.setUint8(at, text.charCodeAt(at));
  block.setUint8(text.length, 128);
  block.setInt32(60, text.length * 8);
  let a = word(start, 0);
  let b = word(start, 1);
  let c = word(start, 2);
  let d = word(start, 3);
  let e = word(start, 4);
  let f = word(start, 5);
  let g = word(start, 6);
  let h = word(start, 7);
  for (let t = 0; t < 64; t += 1) {
    if (t > 15) {
      const x = word(block, t - 15);
      const y = word(block, t - 2);
      const small = (rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3)) + (rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10));
      block.setInt32(t * 4, (word(block, t - 16) + word(block, t - 7) + small) | 0);
    }
    const big = (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g));
    const one = (h + big + word(constants, t) + word(block, t)) | 0;
    const two = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  return ((a + word(start, 0)) | 0) === first && ((b + word(start, 1)) | 0) === second;
}

addEventListener('message', ({ data: { salt, target, max } }: MessageEvent<Challenge>) => {
  const [first, second] = [0, 8].map((at) => Number.parseInt(target.slice(at, at + 8), 16) | 0) as [
    number,
    number,
  ];
  let number = 0;
  while (number < max && !isHash(salt + number, first, second)) number += 1;
  postMessage(number);
});
