import { describe, expect, it } from 'vitest';
import { statusMeaning } from '../../src/extraction/sources/status.ts';
import { asString } from '../../src/posts/raw.ts';
import { absent, refusedPages } from '../posts/captures.ts';

describe.skipIf(absent)('a captured page without a post', () => {
  it('is read by its status message', () => {
    const meanings = refusedPages.map((detail) => {
      const message = asString(detail.statusMsg);
      const meaning = statusMeaning(Number(detail.statusCode), message);
      return [message, meaning && ('code' in meaning ? meaning.code : meaning.kind)];
    });
    expect(Object.fromEntries(meanings)).toEqual({
      "item doesn't exist": 'absent',
      'item_privacy_authorization&status_deleted': 'post_not_found',
      cross_border_violation_ur: 'region_blocked',
    });
  });
});
