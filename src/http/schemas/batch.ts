import { z } from 'zod';
import { errorExample, errorResponse, errorResponses } from './error.ts';
import { POST_EXAMPLES, postResponse } from './post.ts';
import { MAX_TEXT, postOptions } from './tiktok.ts';

/** Media type of the answers one a line. */
export const LINES = 'application/x-ndjson';

const MAX_LINKS = 20;

export const batchBody = z.object({
  urls: z
    .array(z.string().max(MAX_TEXT))
    .min(1)
    .max(MAX_LINKS)
    .meta({
      description: `Links to posts, or texts that contain one; ${MAX_LINKS} at most.`,
      example: ['https://www.tiktok.com/@user/video/7123456789012345600'],
    }),
  ...postOptions,
});

const results = z
  .object({ results: z.array(z.union([postResponse, errorResponse])) })
  .meta({ examples: [{ results: [POST_EXAMPLES[0], errorExample('post_not_found')] }] });

const line = JSON.stringify({ index: 1, ...errorExample('post_not_found') });

export const batchResponses: Record<number, unknown> = {
  200: {
    description:
      'The post or error of each link: in their order, or as lines, each with the `index` of its link.',
    content: {
      'application/json': { schema: results },
      [LINES]: { schema: z.string().meta({ examples: [`${line}\n`] }) },
    },
  },
  ...errorResponses('invalid_request', 'unauthorized', 'not_allowed', 'rate_limited', 'internal'),
};
