/** The first parameter of that name in a URL's query; null where there is none. Names are not escaped. */
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
