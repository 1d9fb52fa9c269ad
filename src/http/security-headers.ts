/**
 * What every answer says to a browser, unless its route says otherwise (the page, /docs). HSTS is not among them: that
 * belongs to whatever ends TLS, which knows whether there is any.
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  // Nothing here is a document: JSON and media run and load nothing. The media of a link that is opened in a tab of
  // its own are shown by a document that the browser makes up, and that needs these.
  'content-security-policy':
    "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  // A link is a secret until it expires.
  'referrer-policy': 'no-referrer',
  // <video> and <img> of the sites that use this service.
  'cross-origin-resource-policy': 'cross-origin',
};
