import type { Addresses, AssetRef } from './addresses.ts';
import type { MediaLibrary } from './media.ts';
import { type AssetPart, PHOTO_SHAPES, type StandinPost } from './posts.ts';

/** What is needed to write down a post. */
export interface Press {
  media: MediaLibrary;
  addresses: Addresses;
}

/** Hosts that hold the same pictures. */
export const IMAGE_MIRRORS = ['p77-sign-sg.tiktokcdn.com', 'p16-sign-sg.tiktokcdn.com'] as const;

/** The second mirror of a picture that belongs to a post. */
export function image(press: Press, post: StandinPost, part: AssetPart, form: string, index = 0): string {
  const ref = { postId: post.id, part, index };
  return press.addresses.image(IMAGE_MIRRORS[1], ref, post.mediaLife, form);
}

/** A photo on each of its mirrors. */
export function photoUrls(press: Press, post: StandinPost, index: number): string[] {
  const type = PHOTO_SHAPES[post.photos[index] ?? '']?.type ?? 'jpeg';
  const ref: AssetRef = { postId: post.id, part: 'photo', index };
  const form = `photomode-image.${type}`;
  return IMAGE_MIRRORS.map((host) => press.addresses.image(host, ref, post.mediaLife, form));
}

/** ByteDance's id of the video file; the same for all renditions. */
export function videoIdOf(post: StandinPost): string {
  const prefix = post.platform === 'douyin' ? 'v0d00fg10000' : 'v14044g50000';
  return `${prefix}${BigInt(post.id).toString(32).padStart(20, 'o')}`;
}

/** The post of a video id; ids of 19 digits have 13 in base 32. */
export function postIdOfVideoId(videoId: string): string | null {
  const digits = /^v[0-9a-z]{11}o{7}([0-9a-v]{13})$/.exec(videoId)?.[1];
  if (digits === undefined) return null;
  return String([...digits].reduce((sum, digit) => sum * 32n + BigInt(Number.parseInt(digit, 32)), 0n));
}

/** Pixels of a rendition as the page tells them; "540p" is 576 on its short side. */
export function pixelsOf(post: StandinPost, height: number): { width: number; height: number } {
  const short = height === 540 ? 576 : height;
  const long = Math.round((short * 16) / 9 / 2) * 2;
  return post.wide ? { width: long, height: short } : { width: short, height: long };
}
