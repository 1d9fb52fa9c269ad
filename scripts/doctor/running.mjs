// @ts-check

/** @typedef {import('./page.mjs').Finding} Finding */

const TIMEOUT_MS = 3000;

/**
 * What a service that runs with these settings on this machine says in its /health.
 * @param {import('../../src/config.ts').Config} config
 * @returns {Promise<Finding[]>}
 */
export async function examineRunning({ server, secrets }) {
  const topic = 'Service';
  const host = server.host === '::' || server.host === '0.0.0.0' ? '127.0.0.1' : server.host;
  const port = server.managementPort ?? server.port;
  const token = secrets.healthToken?.reveal();
  /** @type {{ status: string, reasons?: string[], warnings?: string[] }} */
  let report;
  try {
    const response = await fetch(`http://${host.includes(':') ? `[${host}]` : host}:${port}/health`, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    report = /** @type {typeof report} */ (await response.json());
  } catch {
    return [{ topic, state: 'ok', says: 'does not run here, or not with these settings' }];
  }
  const texts = [...(report.reasons ?? []), ...(report.warnings ?? [])];
  if (texts.length === 0) return [{ topic, state: 'ok', says: `runs: ${report.status}` }];
  return texts.map((says) => ({ topic, state: 'warn', says, fix: 'see what its /health says, above' }));
}
