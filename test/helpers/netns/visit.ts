/**
 * A visit to the service, as a program in its network: starts it, requests a post and its video twice, and prints what
 * came as a line of JSON. Arguments: the post's link, variables of the service as JSON, and its main module.
 */
import { createHash } from 'node:crypto';
import { startService } from '../service.ts';

export interface Visit {
  /** Statuses, and error codes where there are any. */
  post: number | string;
  files: (number | string)[];
  /** Of the files that came. */
  sha256: string[];
  health: { status: string; reasons: string[]; network?: unknown };
}

const [url = '', variables = '{}', main] = process.argv.slice(2);
const service = await startService(null, { MAX_WORKERS: '1', ...JSON.parse(variables) }, main || undefined);
const visit: Visit = { post: 0, files: [], sha256: [], health: { status: '', reasons: [] } };
try {
  const { status, body } = await service.post(url);
  visit.post = body.code ?? status;
  for (let time = 0; status === 200 && time < 2; time += 1) {
    const file = await fetch(String(body.download_link?.no_watermark));
    const bytes = Buffer.from(await file.arrayBuffer());
    const code = file.ok ? file.status : (JSON.parse(bytes.toString()) as { code: string }).code;
    visit.files.push(code);
    if (file.ok) visit.sha256.push(createHash('sha256').update(bytes).digest('hex'));
  }
  visit.health = (await (await fetch(`${service.baseUrl}/health`)).json()) as Visit['health'];
} finally {
  await service.stop();
}
// Whoever reads it ends this program.
process.stdout.write(`${JSON.stringify(visit)}\n`);
