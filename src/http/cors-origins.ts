/** CORS_ORIGIN for @fastify/cors: `https://*.example.com` matches every subdomain, and no other host. */
export function corsOrigins(setting: readonly string[] | '*'): (string | RegExp)[] | '*' {
  return setting === '*'
    ? '*'
    : setting.map((origin) => (origin.includes('://*.') ? pattern(origin) : origin));
}

function pattern(origin: string): RegExp {
  const [scheme = '', host = ''] = origin.split('://*.');
  const escaped = (text: string) => text.replaceAll(/[.+]/g, '\\$&');
  return new RegExp(`^${escaped(scheme)}://([a-z\\d_-]+\\.)+${escaped(host)}$`);
}
