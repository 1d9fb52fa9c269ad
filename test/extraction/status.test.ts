import { describe, expect, it } from 'vitest';
import { statusMeaning } from '../../src/extraction/sources/status.ts';

const gone = { kind: 'verdict', code: 'post_not_found' };
const isPrivate = { kind: 'verdict', code: 'post_private' };
const absent = { kind: 'absent' };
const region = { kind: 'withheld', code: 'region_blocked' };
const login = { kind: 'withheld', code: 'login_required' };

describe('statusMeaning', () => {
  it.each([
    [10204, 'status_deleted', gone],
    [10204, 'item_privacy_authorization&status_deleted', gone],
    [10202, '', gone],
    [10221, '', gone],
    [10241, '', gone],
    [2054, '', gone],
    [10204, 'status_self_see', isPrivate],
    [10204, 'status_friend_see', isPrivate],
    [10204, 'part_see', isPrivate],
    [10204, 'item_privacy_authorization&author_secret', isPrivate],
    [10216, '', isPrivate],
    [10222, '', isPrivate],
    [10240, '', isPrivate],
    [10216, 'not_status_deleted_at_all', isPrivate],
  ])('takes %d %j for a final verdict', (status, message, expected) => {
    expect(statusMeaning(status, message)).toMatchObject(expected);
  });

  it.each([
    [10204, "item doesn't exist", absent],
    [10204, '', absent],
    [10204, 'a_token_of_tomorrow', absent],
    [10215, '', absent],
    [10217, '', absent],
    [10220, '', absent],
    [10204, 'cross_border_violation', region],
    [10204, 'cross_border_violation_ur', region],
    [10204, 'person_geo_fencing', region],
    [10204, 'copyright_geo_filter', region],
    [10231, '', region],
    [10204, 'content_classification', login],
    [10213, '', login],
    [10102, '', login],
  ])('leaves %d %j to another source', (status, message, expected) => {
    expect(statusMeaning(status, message)).toMatchObject(expected);
  });

  it.each([[10000], [10113], [10114], [100004]])('takes %d for a refusal of the egress', (status) => {
    expect(statusMeaning(status, '')).toEqual({ kind: 'refused', reason: `status ${status}` });
  });

  it.each([[10101], [10111], [99999]])('takes %d for a failure of TikTok', (status) => {
    expect(statusMeaning(status, '')).toMatchObject({ kind: 'failed', code: 'upstream_failed' });
  });

  it('leaves status 0 to the item', () => {
    expect(statusMeaning(0, '')).toBeNull();
  });
});
