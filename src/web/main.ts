import { pageAddress, platformOf, postAddress, requestText, sharedText } from './address.ts';
import { Failure, fetchPost, type Post, renewLinks } from './api.ts';
import { announce, byId, h, refresh } from './dom.ts';
import type { Report } from './download.ts';
import { askForLink, fillField, startField } from './field.ts';
import { captionOf, remember, showHistory, startHistory } from './history.ts';
import {
  applyLanguage,
  format,
  LANGUAGE_NAMES,
  language,
  preferredLanguage,
  selectLanguage,
  t,
} from './language.ts';
import { showProblem } from './problem.ts';
import { registerWorker } from './register-worker.ts';
import { resultCard, skeleton } from './result.ts';
import { isStandalone } from './share.ts';
import { closeViewer } from './viewer.ts';

/** Milliseconds after which the page says that it still waits. */
const SLOW_MS = 6000;

/** Milliseconds after a renewal in which an expired link is no matter of its age. */
const RENEWAL_PAUSE_MS = 10_000;

/** Posts that the way back shows without a request. */
const MAX_POSTS = 20;

const input = byId<HTMLInputElement>('link');
const go = byId('go');
const problem = byId('problem');
const result = byId('result');

/** Ends what belongs to the post on show, or to the one that is requested. */
let running = new AbortController();
/** The text that is being requested. */
let requested: string | null = null;
/** location.search of what is shown. */
let address = location.search;
let renewing: Promise<void> | null = null;
let renewedAt = Number.NEGATIVE_INFINITY;
let dismissProblem = () => {};
let shown: Post | null = null;
/** Posts by their page address. */
const posts = new Map<string, Post>();

/** Requests a post and shows it. Ends whatever ran before. */
async function submit(text: string, attempt = 0, fromProblem = false): Promise<void> {
  reset();
  requested = text;
  noteAddress(pageAddress(text), sharedText(location.search) === text);
  const { signal } = running;
  let slow = false;
  const words = () => (slow ? format(t.slow, { platform: t[platformOf(text)] }) : t.loading);
  const timer = setTimeout(() => {
    slow = true;
    refresh();
    announce(words());
  }, SLOW_MS);
  signal.addEventListener('abort', () => clearTimeout(timer));
  result.ariaBusy = 'true';
  go.ariaBusy = 'true';
  result.replaceChildren(skeleton(words, cancel));
  // The button that was pressed is gone.
  if (fromProblem) result.querySelector('button')?.focus();
  announce(words());
  try {
    const post = await fetchPost(requestText(text), signal).finally(() => clearTimeout(timer));
    settle();
    noteAddress(pageAddress(post.url), true);
    showPost(post);
    announce(t.ready);
    // Whoever has begun to type another link is left alone.
    if (input.value.trim() === text) byId('result-title').focus({ preventScroll: true });
    result.scrollIntoView({ block: 'nearest' });
    void remember(post).then(() => showHistory(open));
  } catch (error) {
    if (signal.aborted) return;
    const held = result.contains(document.activeElement);
    settle();
    announce('');
    fail(asFailure(error), { retry: (next, pressed) => void submit(text, next, pressed), attempt, text });
    if (held) problem.querySelector<HTMLElement>('button, a')?.focus();
  }
}

/** Gives up the request; the field keeps its text. */
function cancel(): void {
  reset();
  noteAddress('', true);
  announce('');
  input.focus();
}

/** Ends what runs, and takes away what is shown. */
function reset(): void {
  running.abort();
  running = new AbortController();
  renewing = null;
  dismissProblem();
  shown = null;
  showTitle();
  settle();
}

/** Ends the request. */
function settle(): void {
  requested = null;
  result.ariaBusy = null;
  go.ariaBusy = null;
  result.replaceChildren();
  refresh();
}

function showPost(post: Post): void {
  const { signal } = running;
  const report: Report = (failure, retry, attempt, asked) => {
    // Another post is on show.
    if (signal.aborted) return;
    const stale = failure.code === 'link_expired' || failure.code === 'link_invalid';
    if (stale && (renewing || performance.now() - renewedAt > RENEWAL_PAUSE_MS)) {
      renewing ??= renew(post, signal);
      void renewing.then(
        () => signal.aborted || retry(attempt),
        (error) => {
          if (!signal.aborted) fail(asFailure(error), { retry, attempt, text: post.url, post });
        },
      );
    } else if (asked || !problem.hasChildNodes()) fail(failure, { retry, attempt, text: post.url, post });
  };
  result.replaceChildren(resultCard(post, report));
  shown = post;
  showTitle();
  posts.set(pageAddress(post.url), post);
  const [oldest] = posts.keys();
  if (posts.size > MAX_POSTS && oldest) posts.delete(oldest);
}

/** Tells tabs and entries of the browser's history apart. Without characters that turn the direction of text. */
function showTitle(): void {
  const words = shown ? [shown.author.nickname || `@${shown.author.uniqueId}`, captionOf(shown)] : [];
  const title = words
    .filter(Boolean)
    .join(': ')
    .replace(/[\u202a-\u202e\u2066-\u2069\s]+/g, ' ');
  document.title = title ? `${title.slice(0, 80)} – ${t.name}` : t.name;
}

/** Links end while a page stays open. Puts new ones in the place of the old; nothing on show is lost. */
async function renew(post: Post, signal: AbortSignal): Promise<void> {
  announce(t.loading);
  try {
    const fresh = await fetchPost(post.url, signal);
    renewLinks(post, fresh);
    post.links_expire_at = fresh.links_expire_at;
    renewedAt = performance.now();
    refresh();
  } finally {
    if (!signal.aborted) renewing = null;
  }
}

/** A reload, a bookmark and the way back come to this address again. */
function noteAddress(next: string, replace: boolean): void {
  address = next;
  if (next === location.search) return;
  if (replace) history.replaceState(null, '', next || location.pathname);
  else history.pushState(null, '', next);
}

interface Failed {
  retry: (attempt: number, pressed: boolean) => void;
  attempt: number;
  /** What was requested. */
  text: string;
  /** The post on show, where a file of it failed. */
  post?: Post;
}

function fail(failure: Failure, { retry, attempt, text, post }: Failed): void {
  document.querySelector('dialog')?.close();
  dismissProblem();
  dismissProblem = showProblem(problem, failure, {
    retry: (next) => retry(next, next === 0),
    again: () => open(text),
    other: () => {
      input.focus();
      input.select();
    },
    original: post?.url ?? postAddress(text),
    platform: platformOf(text),
    attempt,
  });
  problem.scrollIntoView({ block: 'nearest' });
}

function asFailure(error: unknown): Failure {
  return error instanceof Failure ? error : new Failure('internal');
}

function open(text: string): void {
  fillField(text);
  window.scrollTo({ top: 0 });
  void submit(text);
}

/** Shows what the address of the page names. Posts that were shown before need no request and keep their place. */
function openAddress(): void {
  if (closeViewer() || (location.search === address && location.search)) return;
  address = location.search;
  const shared = sharedText(address);
  const post = posts.get(address);
  if (post && Date.parse(post.links_expire_at) > Date.now()) {
    reset();
    fillField(post.url);
    showPost(post);
  } else if (shared) open(shared);
  else {
    reset();
    fillField('');
  }
}

function startLanguages(): void {
  const select = byId<HTMLSelectElement>('language');
  select.append(...LANGUAGE_NAMES.map(([code, name]) => h('option', { value: code, lang: code }, name)));
  select.value = language;
  select.addEventListener('change', async () => {
    await selectLanguage(select.value);
    select.value = language;
    showTitle();
  });
}

await applyLanguage(preferredLanguage());
showTitle();
startLanguages();
startField(open, () => requested !== null && cancel());
byId('form').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = input.value.trim();
  if (text === '') askForLink();
  // Pressed twice, it is requested once.
  else if (text !== requested) void submit(text);
});
document.addEventListener('keydown', ({ key }) => {
  if (key === 'Escape' && requested !== null) cancel();
});
startHistory(open);
if (isStandalone()) byId<HTMLAnchorElement>('docs').target = '_blank';
document.documentElement.dataset.ready = '';
performance.mark('ready');
window.addEventListener('popstate', openAddress);
if (sharedText(location.search)) open(sharedText(location.search));
// With a mouse there is a keyboard, and nothing that it would cover.
else if (matchMedia('(hover: hover) and (pointer: fine)').matches) input.focus();
registerWorker();
