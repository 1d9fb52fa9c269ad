/** The stand-in for TikTok in a process of its own, so that its CPU is not taken for the service's. */
import { type StandinOptions, startStandin } from '../../test/helpers/standin/index.ts';

export interface StandinHello {
  proxyUrl: string;
  caFile: string;
}

// The stand-in looks at its options at each request: a change takes effect at once.
const options: StandinOptions = { latencyMs: 0, journalLimit: 500 };
const standin = await startStandin(options);
process.on('message', (latencyMs: number) => {
  options.latencyMs = latencyMs;
  process.send?.('set');
});
process.on('SIGINT', () => {}); // Ctrl-C reaches us too; the benchmark says when
process.on('disconnect', () => void standin.close().then(() => process.exit()));
process.send?.({ proxyUrl: standin.proxyUrl, caFile: standin.caFile } satisfies StandinHello);
