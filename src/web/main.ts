import { pageAddress, platformOf, postAddress, postAddresses, requestText, sharedText } from './address.ts';
import { asFailure, type Failure, fetchPost, type Post } from './api.ts';
import { announce, byId, h, refresh } from './dom.ts';
import type { Report } from './download.ts';
import { askForLink, fillField, startField } from './field.ts';
import { remember, showHistory, startHistory } from './history.ts';
import { keepPost, knownPost } from './known-posts.ts';
import {
  applyLanguage,
  format,
  LANGUAGE_NAMES,
  language,
  preferredLanguage,
  selectLanguage,
  t,
} from './language.ts';
import { postList } from './post-list.ts';
import { showProblem } from './problem.ts';
import { registerWorker } from './register-worker.ts';
import { renewing } from './renewal.ts';
import { resultCard, skeleton } from './result.ts';
import { isStandalone } from './share.ts';
import { showTitle } from './title.ts';
import { closeViewer } from './viewer.ts';

/** Milliseconds after which the page says that it still waits. */
const SLOW_MS = 6000;

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
let dismissProblem = () => {};
let shown: Post | null = null;

/** Requests what a text links to, and shows it. Ends whatever ran before. */
async function submit(text: string, attempt = 0, fromProblem = false): Promise<void> {
  reset();
  requested = text;
  go.ariaBusy = 'true';
  noteAddress(pageAddress(text), sharedText(location.search) === text);
  const links = postAddresses(text);
  await (links.length > 1 ? requestList(links, text) : requestPost(text, attempt, fromProblem));
}

/** The posts of several links; each that comes can be saved before the others are there. */
async function requestList(links: string[], text: string): Promise<void> {
  const { signal } = running;
  const onPost = (post: Post, link: string) => {
    for (const one of [link, post.url]) keepPost(pageAddress(one), post);
    note(post);
  };
  const report: Report = (failure, retry, attempt) => fail(failure, { retry, attempt, text });
  const { element, load } = postList(links, { signal, open, onPost, report });
  result.replaceChildren(element);
  byId('result-title').focus({ preventScroll: true });
  await load();
  if (signal.aborted) return;
  settle();
  announce(byId('result-title').textContent ?? '');
}

async function requestPost(text: string, attempt: number, fromProblem: boolean): Promise<void> {
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
    note(post);
  } catch (error) {
    if (signal.aborted) return;
    const held = result.contains(document.activeElement);
    settle();
    result.replaceChildren();
    announce('');
    fail(asFailure(error), { retry: (next, pressed) => void submit(text, next, pressed), attempt, text });
    if (held) problem.querySelector<HTMLElement>('button, a')?.focus();
  }
}

/** Puts a post into the history. */
function note(post: Post): void {
  void remember(post).then(() => showHistory(open));
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
  dismissProblem();
  shown = null;
  showTitle(null);
  settle();
  result.replaceChildren();
}

/** Ends the request. */
function settle(): void {
  requested = null;
  result.ariaBusy = null;
  go.ariaBusy = null;
  refresh();
}

function showPost(post: Post): void {
  const report = renewing(post, running.signal, (failure, retry, attempt, asked) => {
    if (asked || !problem.hasChildNodes()) fail(failure, { retry, attempt, text: post.url, post });
  });
  result.replaceChildren(resultCard(post, report));
  shown = post;
  showTitle(post);
  keepPost(pageAddress(post.url), post);
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
  const post = knownPost(address);
  if (post) {
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
    showTitle(shown);
  });
}

await applyLanguage(preferredLanguage());
showTitle(null);
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
