import { Counter, Histogram, type Registry } from 'prom-client';
import { EXTRACTION_ERRORS } from '../errors.ts';
import type { ExtractionEvent } from '../extraction/index.ts';
import { PREFIX } from './registry.ts';

export interface RequestEnd {
  method: string;
  /** The route's pattern, never the path, so that the number of series is bounded. */
  route: string;
  status: number;
  /** The error code of the response; empty without one. */
  code: string;
  firstByteSeconds: number | null;
  seconds: number;
}

/** From a cached response to a slow extraction. */
const FIRST_BYTE_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** A download takes as long as its client takes to read it. */
const REQUEST_BUCKETS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800];
/** Up to above the default YTDLP_TIMEOUT of 30 s. */
const EXTRACTION_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60];
const QUEUE_BUCKETS = [0.001, 0.01, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120];
const RENDER_BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

/** Counters and histograms that are recorded as events happen. */
export function recordedMetrics(registry: Registry) {
  const registers = [registry];
  const requests = new Counter({
    name: `${PREFIX}http_requests_total`,
    help: 'Requests by route pattern, status and error code (empty without an error).',
    labelNames: ['method', 'route', 'status', 'code'],
    registers,
  });
  const firstByte = new Histogram({
    name: `${PREFIX}http_first_byte_seconds`,
    help: 'Time until the first byte of a response.',
    labelNames: ['route'],
    buckets: FIRST_BYTE_BUCKETS,
    registers,
  });
  const duration = new Histogram({
    name: `${PREFIX}http_request_duration_seconds`,
    help: 'Time until the end of a response, or until its client left.',
    labelNames: ['route'],
    buckets: REQUEST_BUCKETS,
    registers,
  });
  const extractions = new Counter({
    name: `${PREFIX}extractions_total`,
    help: 'Extractions by outcome: ok or an error code.',
    labelNames: ['code'],
    registers,
  });
  // A series that starts above zero has no rate, so the first failure would be missed.
  for (const code of ['ok', ...EXTRACTION_ERRORS]) extractions.inc({ code }, 0);
  const queue = new Histogram({
    name: `${PREFIX}extraction_queue_seconds`,
    help: 'Time that an extraction waited for a worker.',
    buckets: QUEUE_BUCKETS,
    registers,
  });
  const extraction = new Histogram({
    name: `${PREFIX}extraction_duration_seconds`,
    help: 'Time of an extraction from the moment it has a worker.',
    labelNames: ['outcome'],
    buckets: EXTRACTION_BUCKETS,
    registers,
  });
  const attempts = new Counter({
    name: `${PREFIX}egress_attempts_total`,
    help: 'Attempts at extractions by egress and outcome.',
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
    help: 'Time to fetch the input and make a file: slideshow, sound or picture.',
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
    /** @param kind slideshow, sound or picture */
    renderRecorder:
      (kind: string) =>
      (outcome: string, seconds: number): void =>
        renders.observe({ kind, outcome }, seconds),
  };
}

export type Observers = ReturnType<typeof recordedMetrics>;
