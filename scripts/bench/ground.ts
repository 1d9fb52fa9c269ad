/** What the parts of the benchmark stand on: TikTok's stand-in and the visitors, each a process of its own. */
import { loadavg } from 'node:os';
import type { LoadOrder, LoadReport, Repeats } from './load-process.ts';
import { cpuOf, serviceCpu } from './procfs.ts';
import type { BenchService } from './service.ts';
import type { StandinHello } from './standin-process.ts';
import { startAssistant } from './started.ts';

export interface Ground {
  standin: StandinHello;
  quick: boolean;
  /** Milliseconds before the stand-in answers, from now on. */
  setLatency(ms: number): Promise<void>;
  /** Cold posts, each of which is asked for once, but for those that `repeats` names. */
  ask(service: BenchService, load: Load): Promise<LoadReport>;
  /** The same, with the CPU that it took. */
  measure(service: BenchService, load: Load): Promise<Measured>;
}

export interface Load {
  concurrency: number;
  count: number;
  repeats?: Repeats;
}

export interface Measured extends LoadReport {
  concurrency: number;
  count: number;
  /** Load average of the minute before. */
  load: number;
  /** CPU milliseconds for each post. `service` is Node and Python together. */
  cpu: { nodeMain: number; node: number; python: number; service: number; standin: number; visitors: number };
}

export async function prepareGround(quick: boolean): Promise<Ground> {
  const [standin, visitors] = await Promise.all([
    startAssistant('standin-process'),
    startAssistant('load-process'),
  ]);
  let posts = 0;
  const ask = async ({ baseUrl }: BenchService, load: Load) => {
    const order: LoadOrder = { ...load, baseUrl, first: posts };
    posts += load.count;
    return (await visitors.ask(order)) as LoadReport;
  };
  const cpuNow = ({ pid }: BenchService) => {
    const { nodeMain, node, python } = serviceCpu(pid);
    const [ofStandin, ofVisitors] = [standin, visitors].map((one) => cpuOf(`/proc/${one.pid}/stat`).own);
    return {
      nodeMain,
      node,
      python,
      service: node + python,
      standin: ofStandin ?? 0,
      visitors: ofVisitors ?? 0,
    };
  };
  return {
    standin: standin.hello as StandinHello,
    quick,
    setLatency: async (ms) => void (await standin.ask(ms)),
    ask,
    async measure(service, order) {
      const before = cpuNow(service);
      const [load = 0] = loadavg();
      const report = await ask(service, order);
      const after = cpuNow(service);
      const each = (part: keyof Measured['cpu']) => (after[part] - before[part]) / order.count;
      const cpu = {
        nodeMain: each('nodeMain'),
        node: each('node'),
        python: each('python'),
        service: each('service'),
        standin: each('standin'),
        visitors: each('visitors'),
      };
      return { ...order, ...report, load, cpu };
    },
  };
}
