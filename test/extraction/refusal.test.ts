import { describe, expect, it } from 'vitest';
import type { ResponseFacts } from '../../src/extraction/protocol.ts';
import { refusalOf } from '../../src/extraction/sources/refusal.ts';

const POST = 'https://www.tiktok.com/@user/video/7000000000000000001';

function facts(changes: Partial<ResponseFacts> = {}): ResponseFacts {
  return {
    status: 200,
    url: POST,
    location: '',
    headers: {},
    length: 30_000,
    words: [],
    requests: 1,
    ...changes,
  };
}

describe('refusalOf', () => {
  it.each<[string, Partial<ResponseFacts>, string]>([
    [
      'a maintenance page of HTTP 200',
      { headers: { 'x-tt-system-error': '3' }, words: ['Site Maintenance'], length: 600 },
      'maintenance page',
    ],
    [
      'a system error header alone',
      { headers: { 'x-tt-system-error': '3' }, length: 2397 },
      'blocked header',
    ],
    ['403', { status: 403 }, 'HTTP 403'],
    ['429', { status: 429 }, 'HTTP 429'],
    ['429 of the rate limiter', { status: 429, words: ['ratelimit triggered'] }, 'rate limit'],
    ['444', { status: 444, length: 115 }, 'HTTP 444'],
    ['503 of the embed page', { status: 503, words: ['overload-protect'] }, 'overload protection'],
    ['an empty 200', { length: 0, headers: { tt_orcas_res: '1' } }, 'empty response'],
    ['a captcha', { words: ['Security Check'], length: 5546 }, 'captcha'],
    ['Douyin’s captcha', { words: ['验证码中间页'], length: 6000 }, 'captcha'],
    ['Argus', { status: 403, words: ['ArgusSecurityPlugin'] }, 'Argus'],
    ['the login page', { url: 'https://www.tiktok.com/login?redirect_url=x' }, 'login page'],
    ['Hong Kong', { url: 'https://www.tiktok.com/hk/notfound' }, 'country not served'],
    ['India', { url: 'https://www.tiktok.com/in/about' }, 'country not served'],
    ['a redirect to the home page', { status: 302, location: 'https://www.tiktok.com/' }, 'home page'],
  ])('knows %s', (_, changes, reason) => {
    expect(refusalOf(facts(changes))).toBe(reason);
  });

  it.each<[string, Partial<ResponseFacts>]>([
    ['a page like any other', {}],
    ['404', { status: 404 }],
    ['500', { status: 500 }],
    ['a post of somebody called login', { url: 'https://www.tiktok.com/@login/video/7' }],
  ])('finds none in %s', (_, changes) => {
    expect(refusalOf(facts(changes))).toBeNull();
  });
});
