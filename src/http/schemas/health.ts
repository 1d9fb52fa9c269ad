import { z } from 'zod';

const count = z.number().int().min(0);
const workers = z.object({ max: count, active: count, idle: count, queued: count });

const status = z.enum(['ok', 'degraded', 'down', 'draining']);

const statusOf = (description: string, ...examples: z.infer<typeof status>[]) =>
  z.object({ status }).meta({ description, examples: examples.map((one) => ({ status: one })) });

export const liveResponse = statusOf('The process answers.', 'ok');
export const readyResponses = {
  200: statusOf('Requests may be sent here.', 'ok', 'degraded'),
  503: statusOf('Requests may not be sent here.', 'down', 'draining'),
};

export const healthResponse = z.looseObject({
  status,
  reasons: z.array(z.string()).optional().meta({
    description: 'Why it is not ok, in words. As all other details, only for those who may see them.',
  }),
  warnings: z
    .array(z.string())
    .optional()
    .meta({ description: 'What to change in the configuration, in words.' }),
  time: z.number().meta({ description: 'Unix seconds.' }),
  uptime: z.number().meta({ description: 'Seconds.' }),
  version: z.string(),
  ytdlp: z.string().nullable(),
  workers,
});

const HEALTH = {
  time: 1_706_284_800.123,
  uptime: 86_400.5,
  version: '1.0.0',
  ytdlp: '2026.10.26',
  workers: { max: 20, active: 3, idle: 17, queued: 0 },
};

const HEALTH_EXAMPLES: z.input<typeof healthResponse>[] = [
  { status: 'ok', reasons: [], ...HEALTH },
  {
    status: 'degraded',
    reasons: [
      "TikTok's pages cannot be read by yt-dlp 2026.10.26: 18 of the last 20 extractions ended with extractor_outdated. Try `npm run engine:update`",
    ],
    ...HEALTH,
  },
];

const UNHEALTHY_EXAMPLES: z.input<typeof healthResponse>[] = [
  {
    status: 'down',
    reasons: ['the yt-dlp host is not running'],
    ...HEALTH,
    ytdlp: null,
  },
  { status: 'draining', reasons: ['the service is shutting down'], ...HEALTH },
];

export const healthResponses = {
  200: healthResponse.meta({ description: 'Posts are served.', examples: HEALTH_EXAMPLES }),
  503: healthResponse.meta({ description: 'Posts cannot be served.', examples: UNHEALTHY_EXAMPLES }),
};

export const METRICS_EXAMPLE = [
  '# HELP tiktok_extractions_total Posts asked of TikTok, by outcome: ok or an error code.',
  '# TYPE tiktok_extractions_total counter',
  'tiktok_extractions_total{code="ok"} 1234',
  'tiktok_extractions_total{code="post_private"} 5',
  '',
].join('\n');
