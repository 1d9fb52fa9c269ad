import { describe, expect, it } from 'vitest';
import { classify } from '../../src/extraction/failure.ts';
import { asString } from '../../src/posts/raw.ts';
import { absent, refusedPages } from '../posts/captures.ts';

describe.skipIf(absent)('a captured page without a post', () => {
  it('is classified by its status message', () => {
    const codes = refusedPages.map((detail): [string, string] => {
      const page = {
        count: 1,
        login: false,
        challenge: false,
        readable: true,
        status: Number(detail.statusCode),
        statusMsg: asString(detail.statusMsg),
        hasItem: false,
        classified: false,
      };
      const facts = { message: '', timeout: false, transport: false, http: null, geo: false, page };
      return [page.statusMsg, classify(facts, 'tiktok')];
    });
    expect(Object.fromEntries(codes)).toEqual({
      "item doesn't exist": 'post_not_found',
      'item_privacy_authorization&status_deleted': 'post_not_found',
      cross_border_violation_ur: 'region_blocked',
    });
  });
});
