/** A browser as its User-Agent tells it. */
export interface Browser {
  family: 'chrome' | 'edge' | 'opera' | 'firefox' | 'safari' | 'other';
  version: number;
  phone: boolean;
}

const FAMILIES: ReadonlyArray<[Browser['family'], RegExp]> = [
  ['edge', /\bEdgA?\/(\d+)/],
  ['opera', /\bOPR\/(\d+)/],
  ['chrome', /\b(?:Chrome|CriOS)\/(\d+)/],
  ['firefox', /\b(?:Firefox|FxiOS)\/(\d+)/],
  ['safari', /\bVersion\/(\d+).* Safari\//],
];

/** Reads the User-Agent; the client hint `sec-ch-ua-mobile` tells a phone too. */
export function browserOf(headers: Record<string, string>): Browser {
  const agent = headers['user-agent'] ?? '';
  const phone = /\b(?:iPhone|Android|Mobile)\b/.test(agent) || headers['sec-ch-ua-mobile'] === '?1';
  for (const [family, pattern] of FAMILIES) {
    const version = pattern.exec(agent)?.[1];
    if (version !== undefined) return { family, version: Number(version), phone };
  }
  return { family: 'other', version: 0, phone };
}
