import { type MediaRequest, parseRange } from '../media/index.ts';

/** Whether the body is the whole file whatever the file turns out to be: one upstream request is enough then. */
export function isForWholeFile(request: MediaRequest): boolean {
  if (request.method === 'HEAD' || hasConditions(request)) return false;
  const range = parseRange(request.range, Number.MAX_SAFE_INTEGER);
  if (range === null) return true;
  return (
    request.ifRange === undefined &&
    range !== 'unsatisfiable' &&
    range.start === 0 &&
    range.end === Number.MAX_SAFE_INTEGER - 1
  );
}

/** Whether known metadata are enough to request the bytes: a validator of the client would need fresh ones. */
export function isForPlainRange(request: MediaRequest): boolean {
  return request.method === 'GET' && request.ifRange === undefined && !hasConditions(request);
}

function hasConditions({ ifMatch, ifUnmodifiedSince, ifNoneMatch, ifModifiedSince }: MediaRequest): boolean {
  return [ifMatch, ifUnmodifiedSince, ifNoneMatch, ifModifiedSince].some((one) => one !== undefined);
}
