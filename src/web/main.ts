import { counterpart, Failure, fetchPost, local, type Post } from './api.ts';
import { announce, byId, h } from './dom.ts';
import { save } from './download.ts';
import { relabelField, startField } from './field.ts';
import { remember, showHistory } from './history.ts';
import { choose, LANGUAGE_NAMES, language, preferredLanguage, speak, t } from './language.ts';
import { showProblem } from './problem.ts';
import { resultCard, skeleton } from './result.ts';
import { postAddress, registerWorker, sharedText } from './visit.ts';

/** After so long a visitor begins to wonder. */
const SLOW_MS = 6000;

/** Links that die sooner than this after they were made are no matter of their age. */
const RENEWAL_PAUSE_MS = 10_000;

const input = byId<HTMLInputElement>('link');
const problem = byId('problem');
const result = byId('result');

let running = new AbortController();
/** The text that is being asked for. */
let asking: string | null = null;
let renewedAt = Number.NEGATIVE_INFINITY;
/** Links that wait for the post to be there again: a player and a button can fail at once. */
let renewing: Set<string> | null = null;
let dismissProblem = () => {};
/** Draws again what is shown, for another language. */
let redraw = () => {};

/** Asks for a post and shows it. Whatever ran before is given up. */
async function ask(text: string, attempt = 0): Promise<void> {
  reset();
  asking = text;
  const { signal } = running;
  const wait = (words: () => string) => {
    redraw = () => result.replaceChildren(skeleton(words()));
    redraw();
    announce(words());
  };
  const slow = setTimeout(wait, SLOW_MS, () => t.slow);
  result.ariaBusy = 'true';
  wait(() => t.loading);
  try {
    const post = await fetchPost(text, signal).finally(() => clearTimeout(slow));
    settle();
    noteAddress(post, text);
    showPost(post);
    announce(t.ready);
    // Who has begun to type another link meanwhile is left alone.
    if (input.value.trim() === text) byId('result-title').focus({ preventScroll: true });
    result.scrollIntoView({ block: 'nearest' });
    void remember(post).then(() => showHistory(open));
  } catch (error) {
    if (signal.aborted) return;
    settle();
    announce('');
    fail(asFailure(error), { retry: (next) => void ask(text, next), attempt, text });
  }
}

/** Ends what runs, and takes away what is shown. */
function reset(): void {
  running.abort();
  running = new AbortController();
  renewing = null;
  dismissProblem();
  settle();
}

/** Nothing runs any more. */
function settle(): void {
  asking = null;
  redraw = () => {};
  result.ariaBusy = null;
  result.replaceChildren();
}

function showPost(post: Post): void {
  redraw = () => {
    const card = resultCard(post, (failure, retry, attempt, link) => {
      const stale = failure.code === 'link_expired' || failure.code === 'link_invalid';
      if (stale && performance.now() - renewedAt > RENEWAL_PAUSE_MS) void renew(post, link);
      // What the visitor asked for goes before what the player began by itself.
      else if (link || !problem.hasChildNodes()) fail(failure, { retry, attempt, text: post.url, post });
    });
    result.replaceChildren(card);
  };
  redraw();
}

/** A reload, a bookmark and the way back come to this post again. */
function noteAddress(post: Post, text: string): void {
  const address = `?url=${encodeURIComponent(post.url)}`;
  if (address === location.search) return;
  if (sharedText(location.search) === text) history.replaceState(null, '', address);
  else history.pushState(null, '', address);
}

/**
 * Links end while a page stays open. Asks for the post once more, and does with the new link what failed with the old.
 * @param link '' for a player, which only goes on where it was
 */
async function renew(post: Post, link: string, attempt = 0): Promise<void> {
  if (renewing) return void renewing.add(link);
  renewing = new Set([link]);
  const links = renewing;
  const { signal } = running;
  dismissProblem();
  announce(t.loading);
  try {
    const fresh = await fetchPost(post.url, signal);
    renewing = null;
    renewedAt = performance.now();
    const at = result.querySelector('video')?.currentTime;
    showPost(fresh);
    const video = result.querySelector('video');
    if (video && at) video.currentTime = at;
    announce(t.ready);
    for (const one of links) {
      const same = one && counterpart(post, fresh, one);
      if (same) press(same);
    }
  } catch (error) {
    if (signal.aborted) return;
    renewing = null;
    fail(asFailure(error), { retry: (next) => void renew(post, link, next), attempt, text: post.url, post });
  }
}

/** Presses what stands for the link; without that (a photo that was shown large) saves the file. */
function press(link: string): void {
  const all = [...result.querySelectorAll<HTMLElement>('a, button')];
  const found = all.find((one) => (one.getAttribute('href') ?? one.getAttribute('value')) === local(link));
  found?.focus();
  if (found) found.click();
  else save(link);
}

interface Failed {
  retry: (attempt: number) => void;
  attempt: number;
  /** What was asked for. */
  text: string;
  /** The one on show, where it is a file of it that failed. */
  post?: Post;
}

function fail(failure: Failure, { retry, attempt, text, post }: Failed): void {
  const show = () => {
    dismissProblem = showProblem(problem, failure, {
      retry,
      again: () => open(text),
      other: () => {
        if (!post) redraw = () => {};
        input.focus();
        input.select();
      },
      original: post?.url ?? postAddress(text),
      attempt,
    });
  };
  if (!post) redraw = show;
  dismissProblem();
  show();
  problem.scrollIntoView({ block: 'nearest' });
}

function asFailure(error: unknown): Failure {
  return error instanceof Failure ? error : new Failure('internal');
}

function open(text: string): void {
  fillIn(text);
  window.scrollTo({ top: 0 });
  void ask(text);
}

function fillIn(text: string): void {
  input.value = text;
  relabelField();
}

/** What the address of the page names, or its beginning. */
function openAddress(): void {
  const shared = sharedText(location.search);
  if (shared) open(shared);
  else {
    reset();
    fillIn('');
  }
}

function startLanguages(): void {
  const select = byId<HTMLSelectElement>('language');
  select.append(...LANGUAGE_NAMES.map(([code, name]) => h('option', { value: code, lang: code }, name)));
  select.value = language;
  select.addEventListener('change', async () => {
    await choose(select.value);
    select.value = language;
    relabelField();
    showHistory(open);
    dismissProblem();
    redraw();
  });
}

await speak(preferredLanguage());
startLanguages();
startField(open);
byId('form').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = input.value.trim();
  if (text === '') input.focus();
  // Pressed twice, it is asked for once.
  else if (text !== asking) void ask(text);
});
showHistory(open);
document.documentElement.dataset.ready = '';
performance.mark('ready');
window.addEventListener('popstate', openAddress);
if (location.search) openAddress();
registerWorker();
