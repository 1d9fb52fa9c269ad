/** What all parts of the benchmark share: stand-in, clients, and the build to measure. */
import { loadavg } from 'node:os';
import { startChild } from './children.ts';
import type { LoadOrder, LoadReport } from './load-process.ts';
import { cpuOf, type ServiceCpu, serviceCpu } from './procfs.ts';
import type { BenchService } from './service.ts';
import type { PostReply, RequestReply, StandinHello, StandinOrder } from './standin-process.ts';

export interface BenchEnv {
  standin: StandinHello;
  quick: boolean;
  /** The serve.sh of the build to measure. */
  serve: string;
  setLatency(ms: number): Promise<void>;
  addPost(kind: { videoBytes: number } | { photos: number }): Promise<PostReply>;
  /** How the service last asked the CDN for a file of this post. */
  requestFor(postId: string): Promise<RequestReply>;
  /** Requests posts, each of them once; or one post all the time. */
  load(service: BenchService, load: Load): Promise<LoadReport>;
  /** The same, with the CPU used. */
  measure(service: BenchService, load: Load): Promise<Measured>;
}

export type Load = Pick<LoadOrder, 'concurrency' | 'count' | 'same'>;

export interface Measured extends LoadReport {
  /** Load average of the minute before. */
  loadBefore: number;
  /** CPU milliseconds for each post. */
  cpu: ServiceCpu & { standin: number; clients: number };
}

export async function prepareEnv(quick: boolean, serve: string): Promise<BenchEnv> {
  const [standin, clients] = await Promise.all([startChild('standin-process'), startChild('load-process')]);
  const order = (message: StandinOrder) => standin.call(message);
  let posts = 0;
  const load = async ({ baseUrl }: BenchService, wanted: Load) => {
    const first = posts;
    posts += wanted.same ? 0 : wanted.count;
    return (await clients.call({ ...wanted, baseUrl, first } satisfies LoadOrder)) as LoadReport;
  };
  const cpuNow = ({ pid }: BenchService): Measured['cpu'] => ({
    ...serviceCpu(pid),
    standin: cpuOf(`/proc/${standin.pid}/stat`).own,
    clients: cpuOf(`/proc/${clients.pid}/stat`).own,
  });
  return {
    standin: standin.hello as StandinHello,
    quick,
    serve,
    setLatency: async (latencyMs) => void (await order({ latencyMs })),
    addPost: async (kind) => (await order(kind)) as PostReply,
    requestFor: async (id) => (await order({ requestFor: id })) as RequestReply,
    load,
    async measure(service, wanted) {
      const before = cpuNow(service);
      const [loadBefore = 0] = loadavg();
      const report = await load(service, wanted);
      const after = cpuNow(service);
      const each = (part: keyof Measured['cpu']) => (after[part] - before[part]) / wanted.count;
      const [nodeMain, node, python] = [each('nodeMain'), each('node'), each('python')];
      const cpu = { nodeMain, node, python, standin: each('standin'), clients: each('clients') };
      return { ...report, loadBefore, cpu };
    },
  };
}
