/**
 * Headers of every response, unless its route sets others (the page, /docs). HSTS is left to whatever terminates TLS.
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  // JSON and media load nothing. For a media link opened in a tab, the browser makes a document that needs these.
  'content-security-policy':
    "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  // A link is a secret until it expires.
  'referrer-policy': 'no-referrer',
  // For <video> and <img> on other sites.
  'cross-origin-resource-policy': 'cross-origin',
};
