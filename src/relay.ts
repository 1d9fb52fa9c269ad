import type { Logger } from 'pino';
import { MediaClient } from './cdn/index.ts';
import type { Closers } from './closers.ts';
import type { Config } from './config.ts';
import type { EgressPool } from './egress/index.ts';
import type { Extractor } from './extraction/index.ts';
import { FileProbe, FileStats, networkReason } from './health/index.ts';

interface RelayParts {
  config: Config;
  log: Logger;
  closers: Closers;
  extractor: Pick<Extractor, 'extract'>;
  egresses: EgressPool;
  /** PEM certificates that are trusted besides the system's. */
  extraCa: string[];
  /** Receives the egress that was used for a file, by its label, and the outcome. */
  onFile: (egress: string, outcome: string) => void;
  /** Whether names of media hosts are looked up at the start. */
  checksNames: boolean;
}

/** The relay, what is known of its files, and the extraction with a probe that looks at the files of its posts. */
export function openRelay(parts: RelayParts) {
  const { config, log, closers, extractor, egresses, extraCa, onFile, checksNames } = parts;
  const fileStats = new FileStats();
  const { stallTimeoutMs, directFirst, allowFakeIp } = config.relay;
  const media = new MediaClient({
    egresses: new Map(egresses.all.map(({ id, proxy }) => [id, proxy?.reveal() ?? null])),
    directFirst,
    allowFakeIp,
    extraCa,
    stallTimeoutMs,
    maxBytes: config.rules.maxFileBytes,
    onStatus: (seen) => egresses.sawMedia(seen, () => media.checkEgress(seen.egress)),
    onOutcome: (outcome) => {
      fileStats.record(outcome);
      // The direct way need not be in the pool.
      const via = egresses.all.find(({ id }) => id === outcome.via)?.label ?? 'direct';
      onFile(via, outcome.fault ?? 'ok');
    },
  });
  closers.add('media client', () => media.close());
  for (const egress of egresses.all) {
    egress.onNewExit = (proxy) => media.useProxy(egress.id, proxy.reveal());
  }
  const probe = new FileProbe({ media, stats: fileStats });
  closers.add('file probe', () => probe.stop());
  if (checksNames) {
    void media.checkNames().then(() => {
      const reason = networkReason(media.network);
      if (reason !== null) log.warn(reason);
    });
  }
  const extract: Extractor['extract'] = async (link, options) => {
    const post = await extractor.extract(link, options);
    probe.sawPost(post);
    return post;
  };
  return { media, fileStats, extract };
}
