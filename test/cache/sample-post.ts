import type { Post } from '../../src/posts/post.ts';

/** A post as extraction gives it. */
export function somePost(id: string, changes: Partial<Post> = {}): Post {
  return {
    ref: { platform: 'tiktok', id, user: 'someone' },
    kind: 'video',
    url: `https://www.tiktok.com/@someone/video/${id}`,
    title: 'A title',
    description: 'A title',
    createdAt: 1_763_798_400,
    cover: 'https://p16-sign.tiktokcdn-us.com/cover.jpeg',
    durationMs: 12_000,
    author: {
      nickname: 'Some One',
      uniqueId: 'someone',
      signature: '',
      avatarThumb: 'https://p16-sign.tiktokcdn-us.com/thumb.jpeg',
      avatarMedium: 'https://p16-sign.tiktokcdn-us.com/medium.jpeg',
      avatarLarger: 'https://p16-sign.tiktokcdn-us.com/larger.jpeg',
    },
    statistics: { play: 1, digg: 2, comment: 3, share: 4, collect: 5 },
    renditions: [
      {
        id: 'h264_720p_1200000',
        codec: 'h264',
        width: 720,
        height: 1280,
        bitrate: 1_200_000,
        size: 1_000_000,
        hasAudio: true,
        watermark: false,
        playable: true,
        urls: ['https://v16-webapp-prime.tiktok.com/video/1', 'https://v19-webapp-prime.tiktok.com/video/1'],
      },
    ],
    photos: [],
    subtitles: [],
    sound: null,
    cookie: null,
    egress: 'direct',
    mediaExpiresAt: null,
    source: 'page',
    partial: [],
    ...changes,
  };
}
