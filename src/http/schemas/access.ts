import { z } from 'zod';
import type { Config } from '../../config.ts';

/** Of the document; `accessSecurity` names them. */
export const securitySchemes = {
  apiKey: {
    type: 'apiKey',
    in: 'header',
    name: 'X-API-Key',
    description: 'An API key of the operator; also as `Authorization: Api-Key …`.',
  },
  bearer: { type: 'http', scheme: 'bearer', description: 'The same API key.' },
  session: {
    type: 'apiKey',
    in: 'header',
    name: 'X-Session',
    description: 'Of a solved `challenge`, which comes with `unauthorized`; for the network that solved it.',
  },
} as const;

/** What a request for posts has to prove, for the document: one of the list. */
export function accessSecurity({
  keysPath,
  requireKey,
  botCheck,
}: Config['access']): Record<string, string[]>[] {
  return [
    ...(keysPath === null ? [] : [{ apiKey: [] }, { bearer: [] }]),
    ...(botCheck ? [{ session: [] }] : []),
    ...(requireKey || botCheck ? [] : [{}]),
  ];
}

export const challenge = z
  .object({
    token: z.string(),
    salt: z.string(),
    target: z.string().meta({ description: 'SHA-256 of `salt` and the number, in hexadecimal digits.' }),
    max: z.number().int().meta({ description: 'The number is below.' }),
  })
  .meta({
    description:
      'Of `unauthorized`, where BOT_CHECK is on: a proof of work. The same request with the header `X-Solution: TOKEN.NUMBER` is answered, and its response has the header X-Session for the next minutes.',
  });
