import type { Post, Rendition } from '../../src/posts/post.ts';

export function sampleRendition(given: Partial<Rendition> = {}): Rendition {
  return {
    id: 'h264_540p_1',
    codec: 'h264',
    width: 576,
    height: 1024,
    bitrate: 1_000_000,
    size: 5000,
    hasAudio: true,
    watermark: false,
    playable: true,
    urls: ['https://v16.example.com/video/540/?a=1'],
    ...given,
  };
}

export function samplePost(given: Partial<Post> = {}): Post {
  return {
    ref: { platform: 'tiktok', id: '7123456789012345600', user: 'cat' },
    kind: 'video',
    url: 'https://www.tiktok.com/@cat/video/7123456789012345600',
    title: 'A cat',
    description: 'A cat',
    createdAt: 1_763_798_400,
    cover: 'https://p16.example.com/cover.jpeg',
    durationMs: 12_000,
    author: {
      nickname: 'Cat',
      uniqueId: 'cat',
      signature: 'Meow',
      avatarThumb: 'https://p16.example.com/s.jpeg',
      avatarMedium: 'https://p16.example.com/m.jpeg',
      avatarLarger: 'https://p16.example.com/l.jpeg',
    },
    statistics: { play: 5, digg: 4, comment: 3, share: 2, collect: 1 },
    renditions: [sampleRendition()],
    photos: [],
    subtitles: [],
    sound: {
      title: 'Purr',
      author: 'Cat',
      album: '',
      durationMs: 17_000,
      cover: null,
      urls: ['https://v16.example.com/audio/1'],
    },
    cookie: null,
    egress: 'direct',
    mediaExpiresAt: null,
    source: 'page',
    partial: [],
    ...given,
  };
}

const photo = (index: number) => ({
  width: 1080,
  height: 1440,
  urls: [`https://p16.example.com/${index}.jpeg`],
  live: null,
});

export function samplePhotoPost(given: Partial<Post> = {}): Post {
  return samplePost({ kind: 'photo', renditions: [], photos: [photo(1), photo(2)], ...given });
}
