import { h } from './dom.ts';
import { t } from './language.ts';
import { scriptUrl } from './register-worker.ts';
import { readItem, writeItem } from './storage.ts';

/** Names in the browser's storage are those of the headers. */
const KEY = 'x-api-key';
const SESSION = 'x-session';

/** The work for one request; others that need it wait for its session. */
let working: Promise<void> | null = null;

/** fetch, with the visitor's key; where the service wants a proof of work instead, it is done. */
export async function fetchAsVisitor(path: string, init: RequestInit): Promise<Response> {
  const first = await send(path, init, [KEY, SESSION]);
  if (first.status !== 401) return first;
  // A key that is no longer good must not keep out a visitor who needs none.
  const response = readItem(KEY) ? await send(path, init, [SESSION]) : first;
  if (response.status !== 401) return response;
  const body = await response
    .clone()
    .json()
    .catch(() => null);
  if (!body?.challenge) return response;
  if (working) {
    await working;
    return fetchAsVisitor(path, init);
  }
  const answer = solve(body.challenge, init.signal).then((solution) =>
    send(path, init, [], { 'x-solution': solution }),
  );
  const end = () => {
    working = null;
  };
  working = answer.then(end, end);
  return answer;
}

async function send(
  path: string,
  init: RequestInit,
  kept: string[],
  more?: Record<string, string>,
): Promise<Response> {
  const headers = new Headers({ ...(init.headers as Record<string, string>), ...more });
  for (const name of kept) {
    const value = readItem(name);
    if (value) headers.set(name, value);
  }
  const response = await fetch(path, { ...init, headers });
  const session = response.headers.get(SESSION);
  if (session) writeItem(SESSION, session);
  return response;
}

function solve(challenge: { token: string }, signal: AbortSignal | null | undefined): Promise<string> {
  const worker = new Worker(scriptUrl('solver'));
  return new Promise<string>((resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason));
    worker.addEventListener('message', ({ data }) => resolve(`${challenge.token}.${data}`));
    worker.addEventListener('error', reject);
    worker.postMessage(challenge);
  }).finally(() => worker.terminate());
}

/**
 * Where a visitor enters a key. It stays in the browser.
 * @param enter is called when one was entered, in this field or in another
 */
export function keyField(enter: () => void, signal: AbortSignal): HTMLElement {
  addEventListener('key', enter, { signal });
  const field = h('input', {
    type: 'password',
    autocomplete: 'off',
    // A header has no other characters.
    input: () => writeItem(KEY, field.value.replace(/[^!-~]/g, '') || null),
    keydown: (event) => {
      if ((event as KeyboardEvent).key !== 'Enter') return;
      // Would press the button that has the focus next.
      event.preventDefault();
      dispatchEvent(new Event('key'));
    },
  });
  return h('label', {}, () => t.key, h('div', { class: 'field' }, field));
}
