import { Counter, Histogram, type Registry } from 'prom-client';
import { EXTRACTION_ERRORS } from '../errors.ts';
import type { ExtractionEvent } from '../extraction/index.ts';
import { PREFIX } from './registry.ts';

export interface RequestEnd {
  method: string;
  /** The route's pattern, never the path: labels must not grow with what visitors type. */
  route: string;
  status: number;
  /** The contract's error code; empty where there was none. */
  code: string;
  firstByteSeconds: number | null;
  seconds: number;
}

/** From an answer out of the cache to a slow extraction. */
const ANSWER_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** A download takes as long as its reader takes. */
const WHOLE_BUCKETS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800];
/** yt-dlp takes some 10 ms of CPU, TikTok 0.3 to 3 s, and YTDLP_TIMEOUT ends it at 30. */
const EXTRACTION_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60];
const QUEUE_BUCKETS = [0.001, 0.01, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120];
const RENDER_BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

/** What is told about as it happens: times, which nobody keeps anywhere else. */
export function recordedMetrics(registry: Registry) {
  const registers = [registry];
  const requests = new Counter({
    name: `${PREFIX}http_requests_total`,
    help: 'Requests by route pattern, status and error code (empty: none).',
    labelNames: ['method', 'route', 'status', 'code'],
    registers,
  });
  const firstByte = new Histogram({
    name: `${PREFIX}http_first_byte_seconds`,
    help: 'Time until an answer began.',
    labelNames: ['route'],
    buckets: ANSWER_BUCKETS,
    registers,
  });
  const duration = new Histogram({
    name: `${PREFIX}http_request_duration_seconds`,
    help: 'Time until an answer had been sent whole, or its reader had gone.',
    labelNames: ['route'],
    buckets: WHOLE_BUCKETS,
    registers,
  });
  const extractions = new Counter({
    name: `${PREFIX}extractions_total`,
    help: 'Posts asked of TikTok, by outcome: ok or an error code.',
    labelNames: ['code'],
    registers,
  });
  // A series that begins above zero has no rate: the first failures of a kind would be missed.
  for (const code of ['ok', ...EXTRACTION_ERRORS]) extractions.inc({ code }, 0);
  const queue = new Histogram({
    name: `${PREFIX}extraction_queue_seconds`,
    help: 'Time an extraction waited for a worker.',
    buckets: QUEUE_BUCKETS,
    registers,
  });
  const extraction = new Histogram({
    name: `${PREFIX}extraction_duration_seconds`,
    help: 'Time an extraction took once it had a worker.',
    labelNames: ['outcome'],
    buckets: EXTRACTION_BUCKETS,
    registers,
  });
  const attempts = new Counter({
    name: `${PREFIX}egress_attempts_total`,
    help: 'Extractions tried through each egress, by outcome.',
    labelNames: ['egress', 'code'],
    registers,
  });
  const sources = new Counter({
    name: `${PREFIX}source_attempts_total`,
    help: 'Requests to each source of posts, by egress and outcome (post, verdict, refused, ...).',
    labelNames: ['egress', 'source', 'outcome'],
    registers,
  });
  const renders = new Histogram({
    name: `${PREFIX}render_duration_seconds`,
    help: 'Time to fetch and make a file: slideshow or mp3.',
    labelNames: ['kind', 'outcome'],
    buckets: RENDER_BUCKETS,
    registers,
  });
  return {
    onRequest({ method, route, status, code, firstByteSeconds, seconds }: RequestEnd): void {
      requests.inc({ method, route, status, code });
      duration.observe({ route }, seconds);
      if (firstByteSeconds !== null) firstByte.observe({ route }, firstByteSeconds);
    },
    onExtraction({ code, queueMs, workMs }: ExtractionEvent): void {
      extractions.inc({ code });
      queue.observe(queueMs / 1000);
      if (workMs !== null) extraction.observe({ outcome: code === 'ok' ? 'ok' : 'failed' }, workMs / 1000);
    },
    onAttempt(egress: string, code: string): void {
      attempts.inc({ egress, code });
    },
    onSource(egress: string, { source, outcome }: { source: string; outcome: string }): void {
      sources.inc({ egress, source, outcome });
    },
    /** For a store of files of that kind. */
    renderRecorder:
      (kind: string) =>
      (outcome: string, seconds: number): void =>
        renders.observe({ kind, outcome }, seconds),
  };
}

export type Observers = ReturnType<typeof recordedMetrics>;
