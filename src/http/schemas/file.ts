import { z } from 'zod';
import { errorExample, errorResponse } from './error.ts';

/** Node rejects request heads above 16 KB. */
const MAX_TOKEN = 8192;

const token = z.string().min(1).max(MAX_TOKEN);

export const downloadQuery = z.object({
  data: token.meta({ description: 'Token of a /download link.' }),
  as: z
    .enum(['jpg', 'srt', 'txt'])
    .optional()
    .meta({
      description:
        '`jpg`: a photo, or the photos of a zip, as JPEG: upright, in sRGB, without metadata. `srt`, `txt`: a subtitle as ' +
        'SubRip or as plain text. The HEAD of such a zip has no Content-Length.',
    }),
  width: z.enum(['160', '320', '640']).transform(Number).optional().meta({
    description: 'A photo as a small JPEG of this width, for a grid; it is never made larger.',
  }),
});

export const streamQuery = z.object({
  data: token.meta({ description: 'Token of a /stream link.' }),
  inline: z.enum(['0', '1']).optional().meta({ description: '1: to be played, not saved.' }),
});

export const slideshowQuery = z.object({
  url: token.meta({ description: 'Token of a /download-slideshow link.' }),
  seconds: z.coerce.number().min(0.5).max(10).optional().meta({
    description: 'Seconds of each slide, 0.5 to 10. The slideshow may have 5 minutes.',
    example: 3,
  }),
  canvas: z
    .enum(['9x16', '4x5', '1x1', '16x9', 'auto'])
    .optional()
    .meta({ description: '`auto` takes the shape of the photos.' }),
  music: z.enum(['fit', 'whole']).optional().meta({
    description: '`fit` loops or cuts the music, `whole` spreads the slides over it.',
  }),
});

const bytes = z.string().meta({ format: 'binary' });
const nothing = (description: string) => z.null().meta({ description });

/** The responses of a route that sends a file, without errors. */
export function fileResponses(...mediaTypes: string[]): Record<number, unknown> {
  const content = Object.fromEntries(mediaTypes.map((type) => [type, { schema: bytes }]));
  return {
    200: { description: 'The whole file, with Content-Disposition, ETag and Accept-Ranges.', content },
    206: { description: 'The requested range.', content },
    304: nothing('Unchanged since If-None-Match or If-Modified-Since.'),
    412: nothing('Another version than If-Match or If-Unmodified-Since ask for.'),
    416: nothing('The range is outside the file; Content-Range has its length.'),
    431: errorResponse.meta({
      description: '`invalid_request`: the request head is longer than 16 KB.',
      examples: [errorExample('invalid_request')],
    }),
  };
}

/** A response that is text. */
export function textResponse(
  mediaType: string,
  description: string,
  example: string,
): Record<number, unknown> {
  return {
    200: { description, content: { [mediaType]: { schema: z.string().meta({ examples: [example] }) } } },
  };
}

export const PROGRESS_EXAMPLE =
  'retry: 2000\n\ndata: {"stage":"rendering","percent":40}\n\ndata: {"stage":"done","percent":100}\n\n';
