/** What deploy/nginx costs in front of an instance, and the relay behind it: CPU for each GiB and each answer. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Agent, request } from 'undici';
import { nginxVersion, startNginx } from '../../test/deploy/nginx.ts';
import { linkOf } from '../../test/helpers/download.ts';
import { processes } from '../../test/helpers/processes.ts';
import { startService } from '../../test/helpers/service.ts';
import { startStandin, videoPost } from '../../test/helpers/standin/index.ts';
import { cpuOf } from '../bench/procfs.ts';

const MIB = 1024 * 1024;
const EACH = 25 * MIB;
const STREAMS = 20;
const ROUNDS = 3;
const ANSWERS = 4000;
const GIB = (STREAMS * ROUNDS * EACH) / (1024 * MIB);

const run = promisify(execFile);

export interface FrontCosts {
  /** CPU seconds for each GiB that nginx and the service pass on. */
  nginxPerGib: number;
  servicePerGib: number;
  /** Of it, the service's main thread. */
  serviceMainPerGib: number;
  /** CPU milliseconds of nginx for each answer out of the cache. */
  nginxPerAnswerMs: number;
  answerBytes: number;
}

/** Null where there is no nginx or no curl. */
export async function frontCosts(): Promise<FrontCosts | null> {
  if (!nginxVersion()) return null;
  const standin = await startStandin();
  const service = await startService(standin, { MAX_WORKERS: '1', TRUST_PROXY: '1' });
  const nginx = await startNginx([Number(new URL(service.baseUrl).port)]);
  const nginxCpu = () =>
    processes()
      .filter(({ pid, ppid }) => pid === nginx.pid || ppid === nginx.pid)
      .reduce((sum, { pid }) => sum + cpuOf(`/proc/${pid}/stat`).own, 0);
  const now = () => ({
    nginx: nginxCpu(),
    service: cpuOf(`/proc/${service.pid}/stat`).own,
    main: cpuOf(`/proc/${service.pid}/task/${service.pid}/stat`).own,
  });
  try {
    const post = standin.posts.add(videoPost({ bigBytes: EACH }));
    const link = new URL(await linkOf(service, post));
    const through = `${nginx.baseUrl}${link.pathname}${link.search}`;
    const round = () =>
      Promise.all(
        Array.from({ length: STREAMS }, (_, visitor) =>
          run('curl', ['-sSf', '-o', '/dev/null', '-H', `x-test-client: 192.0.2.${visitor}`, through]),
        ),
      );
    await round();
    await round();
    const before = now();
    for (let count = 0; count < ROUNDS; count += 1) await round();
    const after = now();
    await answers(nginx.baseUrl, post.url, ANSWERS / 4);
    const nginxBefore = nginxCpu();
    const answerBytes = await answers(nginx.baseUrl, post.url, ANSWERS);
    return {
      nginxPerGib: (after.nginx - before.nginx) / 1000 / GIB,
      servicePerGib: (after.service - before.service) / 1000 / GIB,
      serviceMainPerGib: (after.main - before.main) / 1000 / GIB,
      nginxPerAnswerMs: (nginxCpu() - nginxBefore) / ANSWERS,
      answerBytes,
    };
  } finally {
    await nginx.stop();
    await service.stop();
    await standin.close();
  }
}

/** Asks for one post again and again, each time as another visitor. @returns bytes of the last answer */
async function answers(baseUrl: string, url: string, count: number): Promise<number> {
  const dispatcher = new Agent({ connections: 16 });
  let next = 0;
  let bytes = 0;
  const line = async () => {
    for (let n = next++; n < count; n = next++) {
      const { statusCode, body } = await request(`${baseUrl}/tiktok`, {
        ...{ method: 'POST', dispatcher },
        headers: {
          'content-type': 'application/json',
          'x-test-client': `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`,
        },
        body: JSON.stringify({ url }),
      });
      const answer = await body.arrayBuffer();
      if (statusCode !== 200) throw new Error(`nginx answered ${statusCode}`);
      bytes = answer.byteLength;
    }
  };
  await Promise.all(Array.from({ length: 16 }, line));
  await dispatcher.close();
  return bytes;
}
