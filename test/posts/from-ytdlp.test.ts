import { describe, expect, it } from 'vitest';
import { withYtdlpRenditions } from '../../src/posts/from-ytdlp.ts';
import { samplePost } from './sample.ts';

const formats = [
  {
    format_id: 'h264_720p',
    url: 'https://v16.example.com/a?tk=tt_chain_token',
    vcodec: 'h264',
    acodec: 'aac',
    width: 720,
    height: 1280,
    tbr: 900,
    filesize: 5,
  },
  {
    format_id: 'silent',
    url: 'https://v16.example.com/b',
    vcodec: 'h265',
    acodec: 'none',
    width: 1080,
    height: 1920,
    tbr: 800,
  },
  { format_id: 'download', url: 'https://v16.example.com/c', vcodec: 'h264' },
  { format_id: 'audio', url: 'https://v16.example.com/d', vcodec: 'none', acodec: 'mp3' },
];

describe('withYtdlpRenditions', () => {
  const post = withYtdlpRenditions(
    samplePost({ renditions: [] }),
    { formats },
    { cookies: { tt_chain_token: 'x' } },
  );

  it("reads yt-dlp's formats, those of a sound alone left out", () => {
    expect(post.renditions).toMatchObject([
      { id: 'h265_1080p_800000', hasAudio: false },
      { id: 'h264_720p_900000', width: 720, height: 1280, size: 5, hasAudio: true, watermark: false },
      { id: 'watermark', watermark: true },
    ]);
  });

  it('adds the cookie that they ask for, and keeps the rest of the post', () => {
    expect(post).toEqual({ ...samplePost(), renditions: post.renditions, cookie: 'tt_chain_token=x' });
  });

  it('gives no renditions of no formats', () => {
    expect(withYtdlpRenditions(samplePost(), {}, { cookies: {} }).renditions).toEqual([]);
  });
});
