import { describe, expect, it } from 'vitest';
import { type Answer, toAnswer } from '../../src/answers/answer.ts';
import { AnswerTemplate } from '../../src/answers/template.ts';
import { type LinkRoute, Links, TokenBox } from '../../src/links/index.ts';
import type { Post } from '../../src/posts/post.ts';
import { somePost } from '../cache/some-post.ts';

const links = new Links(new TokenBox('a key that only this test knows'), 'https://dl.example/base', 60_000);
const HARD_TITLE = 'emoji 👩‍👩‍👧‍👦 "quotes" \\ "links_expire_at":"x" مرحبا';
const options = { links, preferCodec: 'h264' as const };

const posts: [string, Post][] = [
  ['a video', somePost('1')],
  ['a video whose words are longer in bytes', somePost('2', { title: HARD_TITLE, description: HARD_TITLE })],
  [
    'a photo post',
    somePost('3', {
      kind: 'photo',
      renditions: [],
      photos: [1, 2, 3].map((n) => ({
        width: 10 * n,
        height: 20,
        urls: [`https://p16-sign.tiktokcdn-us.com/${n}`],
      })),
    }),
  ],
];

function print(template: AnswerTemplate): Answer {
  return JSON.parse(template.fill().toString()) as Answer;
}

/** The same answer with the targets of its links in place of the links. */
function opened(answer: Answer): unknown {
  return JSON.parse(JSON.stringify(answer), (_, value: unknown) => {
    const match = /^https:\/\/dl\.example\/base\/([\w-]+)\?\w+=(.+)$/.exec(String(value));
    return match ? links.open(match[1] as LinkRoute, match[2] ?? '') : value;
  });
}

describe.each(posts)('the template of %s', (_, post) => {
  const template = new AnswerTemplate(post, options);

  it('prints what building the answer gives', () => {
    const printed = print(template);
    const built = toAnswer(post, { ...options, cached: true });
    expect(Object.keys(printed)).toEqual(Object.keys(built));
    expect({ ...(opened(printed) as object), links_expire_at: '' }).toEqual({
      ...(opened(built) as object),
      links_expire_at: '',
    });
    expect(Math.abs(Date.parse(printed.links_expire_at) - links.expiryFromNow())).toBeLessThanOrEqual(5000);
  });

  it('prints links of their own for everybody', () => {
    const tokens = [print(template), print(template)].map((answer) => JSON.stringify(answer.download_link));
    expect(tokens[0]).not.toBe(tokens[1]);
  });
});
