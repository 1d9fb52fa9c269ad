import { z as zod } from 'zod';

export type Schema = Parameters<typeof zod.fromJSONSchema>[0];

export interface DocumentedResponse {
  description: string;
  content?: Record<
    string,
    { schema: Schema; example?: unknown; examples?: Record<string, { value: unknown }> }
  >;
}

export interface Operation {
  summary?: string;
  security?: Record<string, string[]>[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, DocumentedResponse>;
}

export type Paths = Record<string, Record<string, Operation>>;

/** @throws where the document has no such response */
export function documented(paths: Paths, method: string, path: string, status: number): DocumentedResponse {
  const answer = paths[path]?.[method.toLowerCase()]?.responses[status];
  if (!answer) throw new Error(`${method} ${path} answers ${status}, which is not in the document`);
  return answer;
}

/** Fetches, and holds status, media type and body against the document. */
export async function fetchAsDocumented(paths: Paths, url: URL, init: RequestInit = {}): Promise<Response> {
  const method = init.method ?? 'GET';
  const response = await fetch(url, init);
  const answer = documented(paths, method, url.pathname, response.status);
  const type = response.headers.get('content-type')?.split(';')[0] ?? '';
  const bytes = await response.clone().arrayBuffer();
  if (bytes.byteLength === 0) return response;
  const content = answer.content?.[type];
  if (!content) throw new Error(`${method} ${url.pathname} sends ${type}, which is not in the document`);
  if (type === 'application/json') {
    zod.fromJSONSchema(content.schema).parse(JSON.parse(Buffer.from(bytes).toString()));
  }
  return response;
}
