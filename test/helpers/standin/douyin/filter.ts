import type { StandinPost } from '../posts.ts';

/** Why Douyin does not show a post, as `filter_reason` says; null for one that it shows. */
export interface Filter {
  reason: string;
  /** `status_code` of the answer; 2053 is one claim. */
  statusCode: number;
}

/** An id that nobody knows is measured to be `SYSTEM_ITEM_NOT_EXIST` on the share page and `core_dep` in the API. */
export function filterOf(post: StandinPost | null, unknown: string): Filter | null {
  if (post === null) return { reason: unknown, statusCode: 0 };
  const { behaviour } = post;
  if (typeof behaviour !== 'object' || !('status' in behaviour)) return null;
  const known = /^(?:SYSTEM_ITEM_NOT_EXIST|core_dep|music_deleted_video|status_\w+)$/.test(behaviour.message);
  return {
    reason: known ? behaviour.message : 'status_deleted',
    statusCode: behaviour.status === 2053 ? 2053 : 0,
  };
}

export const FILTER_TEXT = {
  detail_msg: '因作品权限或已被删除，无法观看，去看看其他作品吧',
  notice: '抱歉，作品不存在',
};
