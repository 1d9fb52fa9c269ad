import { z } from 'zod';

/** Characters; more than the text of any share sheet. */
export const MAX_TEXT = 4096;

const wanted = {
  url: z.string().trim().min(1, 'must not be empty').max(MAX_TEXT).meta({
    description: 'Link to a TikTok or Douyin post, or a text that contains one.',
    example: 'https://www.tiktok.com/@user/video/7123456789012345600',
  }),
};

const links = z.literal('short').optional().meta({
  description:
    '`short`: links of less than 300 characters, for one more look-up of the post when they are used.',
});

const images = {
  description: 'Also answer with links to the cover and the avatar through this service (`images`).',
};

/** A boolean as forms and queries spell it. */
const spelledBoolean = z
  .enum(['0', '1', 'false', 'true'])
  .transform((value) => value === '1' || value === 'true');

/** What a JSON body can ask for besides. */
export const postOptions = {
  images: z.union([z.boolean(), spelledBoolean]).default(false).meta(images),
  links,
};

export const tiktokBody = z.object({ ...wanted, ...postOptions });

const pick = z.enum(['no_watermark', 'no_watermark_hd', 'watermark', 'mp3', 'zip', 'slideshow']);

export type Pick = z.infer<typeof pick>;

export const tiktokQuery = z.object({
  ...wanted,
  images: spelledBoolean.default(false).meta(images),
  links,
  pick: pick.optional().meta({ description: 'Redirect (303) to this file of the post.' }),
});
