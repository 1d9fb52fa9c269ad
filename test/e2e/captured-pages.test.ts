/** Captured pages of TikTok through the real yt-dlp host; skipped where the captures are not beside the repository. */
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Post } from '../../src/posts/post.ts';
import { solvesChallenge } from '../helpers/engine.ts';
import { type SourceHost, startSourceHost } from '../helpers/sources.ts';
import { type Standin, startStandin } from '../helpers/standin/index.ts';

const CAPTURES = new URL('../../../shared/fixtures/', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, CAPTURES), 'utf8');

let standin: Standin;
let host: SourceHost;

beforeAll(async () => {
  standin = await startStandin();
  host = await startSourceHost(standin);
});

afterAll(async () => {
  await host?.close();
  await standin?.close();
});

/** Runs a chain for a post whose page is this document. */
function ask(id: string, page: string, times?: number) {
  standin.faults.add({ post: id, part: 'page' }, { kind: 'html', body: page }, times ? { times } : {});
  return host.run({ id, platform: 'tiktok' });
}

describe.skipIf(!existsSync(CAPTURES) || !solvesChallenge)('a captured page', () => {
  it.each(['7526770564367748360', '7571863205253778710'])('of post %s is read right', async (id) => {
    const { itemInfo } = JSON.parse(read(`web-video/${id}.video-detail.json`));
    const item = itemInfo.itemStruct;
    const { result } = await ask(id, read(`web-video/${id}.html`));
    const post = (result as { post: Post }).post;
    expect(post).toMatchObject({
      ref: { id, user: item.author.uniqueId },
      source: 'page',
      partial: [],
      description: item.desc,
      durationMs: item.video.duration * 1000,
      author: { nickname: item.author.nickname, signature: item.author.signature },
      statistics: {
        play: Number(item.statsV2.playCount),
        digg: Number(item.statsV2.diggCount),
        comment: Number(item.statsV2.commentCount),
        share: Number(item.statsV2.shareCount),
        collect: Number(item.statsV2.collectCount),
      },
      sound: { author: item.music.authorName, urls: [item.music.playUrl] },
    });
    for (const { PlayAddr, CodecType, Bitrate } of item.video.bitrateInfo) {
      expect(post.renditions).toContainEqual(
        expect.objectContaining({
          codec: CodecType.startsWith('h265') ? 'h265' : 'h264',
          width: PlayAddr.Width,
          height: PlayAddr.Height,
          size: Number(PlayAddr.DataSize),
          bitrate: Bitrate,
        }),
      );
    }
  });

  it('with the challenge is solved', async () => {
    const id = '7400000000000001234';
    const { result } = await ask(id, read('waf/challenge-2026-03-30.html'), 1);
    expect(result).toMatchObject({ ok: true, post: { ref: { id }, source: 'page' } });
    expect(standin.journal.asked({ post: id }).at(-1)?.headers.cookie).toContain('_wafchallengeid=');
  });

  it.each([
    ['7276437262283859205-10204-item-doesnt-exist', 'post_not_found'],
    ['7550459646654418189-10204-deleted', 'post_not_found'],
    ['7609111825233251598-10204-cross-border', 'region_blocked'],
  ])('with a status gives its code: %s', async (name, code) => {
    const frame = read('web-status/7276437262283859205-10204-item-doesnt-exist.html');
    const detail = JSON.stringify(JSON.parse(read(`web-status/${name}.video-detail.json`)));
    const id = name.slice(0, 19);
    standin.faults.add(
      { post: id, part: 'page' },
      { kind: 'html', body: frame.replace(/\{"statusCode":10204[^}]*\}/, detail) },
    );
    const { result } = await host.run({ id, platform: 'tiktok' });
    expect(result).toMatchObject({ ok: false, code });
  });

  it.each([
    ['web-shell/shell-without-universal-data.html'],
    ['sources/refusals/tiktok-mobile-bare-shell-2026-01-31.html'],
    ['sources/refusals/tiktok-security-check-2026-04-15.html'],
  ])('without data is a refusal: %s', async (name) => {
    const id = '7400000000000004321';
    const { result, attempts } = await ask(id, read(name));
    expect(attempts[0]).toMatchObject({ source: 'page', outcome: 'refused' });
    expect(result).toMatchObject({ ok: true, post: { source: 'player' } });
  });
});
