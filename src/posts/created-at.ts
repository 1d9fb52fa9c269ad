/** Unix seconds of 2014 and of 2096; no TikTok or Douyin post is older. */
const EARLIEST = 1_388_534_400;
const LATEST = 4_000_000_000;

/**
 * Unix seconds at which a post was made, from its id; null for ids of another kind. The upper 32 bits of an id are
 * mostly some seconds before `createTime`, and for scheduled posts up to days.
 */
export function createdAtOf(id: string): number | null {
  if (!/^\d{1,20}$/.test(id)) return null;
  const seconds = Number(BigInt(id) >> 32n);
  return seconds >= EARLIEST && seconds <= LATEST ? seconds : null;
}
