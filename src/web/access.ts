import { h } from './dom.ts';
import { t } from './language.ts';
import { scriptUrl } from './register-worker.ts';
import { readItem, writeItem } from './storage.ts';

/** Names in the browser's storage are those of the headers. */
const KEY = 'x-api-key';
const SESSION = 'x-session';

/** fetch, with the visitor's key; where the service wants a proof of work instead, it is done. */
export async function fetchAsVisitor(path: string, init: RequestInit): Promise<Response> {
  const response = await send(path, init, [KEY, SESSION]);
  if (response.status !== 401) return response;
  // A key that is no longer good must not keep out a visitor who needs none.
  const refused = readItem(KEY) ? await send(path, init, [SESSION]) : response;
  const body = (await refused
    .clone()
    .json()
    .catch(() => ({}))) as { challenge?: { token: string } };
  if (refused.status !== 401 || !body.challenge) return refused;
  const number = await solve(body.challenge, init.signal);
  return send(path, init, [], { 'x-solution': `${body.challenge.token}.${number}` });
}

async function send(
  path: string,
  init: RequestInit,
  kept: string[],
  more?: Record<string, string>,
): Promise<Response> {
  const headers = new Headers({ ...(init.headers as Record<string, string>), ...more });
  for (const name of kept) headers.set(name, readItem(name) ?? '');
  const response = await fetch(path, { ...init, headers });
  const session = response.headers.get(SESSION);
  if (session) writeItem(SESSION, session);
  return response;
}

function solve(challenge: unknown, signal: AbortSignal | null | undefined): Promise<number> {
  const worker = new Worker(scriptUrl('solver'));
  return new Promise<number>((resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason));
    worker.addEventListener('message', ({ data }) => resolve(data));
    worker.addEventListener('error', reject);
    worker.postMessage(challenge);
  }).finally(() => worker.terminate());
}

/** Where a visitor enters a key. It stays in the browser. */
export function keyField(enter: () => void): HTMLElement {
  const field = h('input', {
    type: 'password',
    autocomplete: 'off',
    input: () => writeItem(KEY, field.value.trim() || null),
    keydown: (event) => (event as KeyboardEvent).key === 'Enter' && enter(),
  });
  return h('label', {}, () => t.key, h('div', { class: 'field' }, field));
}
