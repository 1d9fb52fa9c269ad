/**
 * Runs `work` for each item, at most `width` at a time. The first failure aborts the signal that `work` gets; the
 * others have ended when this settles.
 * @throws the first failure; the signal's reason
 */
export async function mapLimited<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T, index: number, signal: AbortSignal) => Promise<R>,
  signal: AbortSignal,
): Promise<R[]> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const results: R[] = [];
  const entries = items.entries();
  const lane = async () => {
    for (const [index, item] of entries) {
      either.throwIfAborted();
      results[index] = await work(item, index, either);
    }
  };
  const lanes = Array.from({ length: width }, () =>
    lane().catch((error) => {
      stop.abort(error);
      throw error;
    }),
  );
  await Promise.allSettled(lanes);
  either.throwIfAborted();
  return results;
}
