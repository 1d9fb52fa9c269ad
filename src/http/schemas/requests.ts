import { z } from 'zod';

/** What clients send; the OpenAPI document is made from the same schemas. */

/** A share sheet's text is short; nothing sensible is longer than this. */
const MAX_TEXT = 4096;

/** Node refuses request heads above 16 KB anyway. */
const MAX_TOKEN = 8192;

const token = z.string().min(1).max(MAX_TOKEN);

export const tiktokBody = z.object({
  url: z.string().trim().min(1, 'must not be empty').max(MAX_TEXT).meta({
    description: 'Link to a TikTok or Douyin post, or a text that contains one.',
    example: 'https://www.tiktok.com/@user/video/7123456789012345600',
  }),
  images: z.boolean().default(false).meta({
    description: 'Also answer with links to the cover and the avatar through this service (`images`).',
  }),
});

export const downloadQuery = z.object({ data: token.meta({ description: 'Token of a /download link.' }) });

export const streamQuery = z.object({
  data: token.meta({ description: 'Token of a /stream link.' }),
  inline: z.enum(['0', '1']).optional().meta({ description: '1: to be played, not saved.' }),
});

export const slideshowQuery = z.object({
  url: token.meta({ description: 'Token of a /download-slideshow link.' }),
});
