/**
 * Parts of media addresses, read without making a URL of each: a post has some fifty of them, and its links ask for
 * host, path and query again and again. `new URL` and `searchParams` were a third of a worker thread's work.
 */

/** Addresses that URL would leave as they are: a plain host and path without escapes or dot segments. */
const PLAIN =
  /^https:\/\/([a-z\d-]+(?:\.[a-z\d-]+)*\.[a-z]{2,})(\/(?!\.)(?:[\w~!$&'()*+,;=:@-]|\.(?!\.)|\/(?!\.))*)(?:\?|#|$)/;

/** @throws TypeError for what is no address */
export function hostOf(address: string): string {
  return PLAIN.exec(address)?.[1] ?? new URL(address).host;
}

/** @throws TypeError for what is no address */
export function pathOf(address: string): string {
  return PLAIN.exec(address)?.[2] ?? new URL(address).pathname;
}

/** The first parameter of that name in the query; null where there is none. Names are not escaped. */
export function queryParam(address: string, name: string): string | null {
  const hash = address.indexOf('#');
  const whole = hash < 0 ? address : address.slice(0, hash);
  const question = whole.indexOf('?');
  if (question < 0) return null;
  const query = `&${whole.slice(question + 1)}`;
  const start = query.indexOf(`&${name}=`) + name.length + 2;
  if (start < name.length + 2) return null;
  const end = query.indexOf('&', start);
  const value = query.slice(start, end < 0 ? undefined : end);
  return /[%+]/.test(value) ? new URLSearchParams(`value=${value}`).get('value') : value;
}
