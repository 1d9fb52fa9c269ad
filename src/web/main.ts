import { Failure, fetchPost, type Post } from './api.ts';
import { announce, byId, h } from './dom.ts';
import { relabelField, startField } from './field.ts';
import { remember, showHistory } from './history.ts';
import { choose, LANGUAGE_NAMES, language, preferredLanguage, speak, t } from './language.ts';
import { showProblem } from './problem.ts';
import { resultCard, skeleton } from './result.ts';
import { postAddress, registerWorker, sharedText } from './visit.ts';

const input = byId<HTMLInputElement>('link');
const problem = byId('problem');
const result = byId('result');

let running = new AbortController();
let dismissProblem = () => {};
/** Draws again what is shown, for another language. */
let redraw = () => {};

/** Asks for the post in the field and shows it. Whatever ran before is given up. */
async function submit(attempt = 0): Promise<void> {
  const text = input.value.trim();
  running.abort();
  dismissProblem();
  if (text === '') return input.focus();
  running = new AbortController();
  const { signal } = running;
  document.body.ariaBusy = 'true';
  result.replaceChildren(skeleton());
  announce(t.loading);
  try {
    const post = await fetchPost(text, signal);
    showPost(post);
    byId('result-title').focus({ preventScroll: true });
    result.scrollIntoView({ block: 'nearest' });
    void remember(post).then(() => showHistory(open));
  } catch (error) {
    if (signal.aborted) return;
    result.replaceChildren();
    announce('');
    fail(error instanceof Failure ? error : new Failure('internal'), submit, attempt, null);
  } finally {
    if (!signal.aborted) document.body.ariaBusy = null;
  }
}

function showPost(post: Post): void {
  redraw = () => result.replaceChildren(resultCard(post, (...failure) => fail(...failure, post)));
  redraw();
  announce(t.ready);
  // A reload, or a bookmark, comes back to this post.
  history.replaceState(null, '', `?url=${encodeURIComponent(post.url)}`);
}

/** @param post the one on show, where it is a file of it that failed */
function fail(failure: Failure, retry: (attempt: number) => void, attempt: number, post: Post | null): void {
  const show = () => {
    dismissProblem = showProblem(problem, failure, {
      retry,
      again: () => open(post?.url ?? input.value),
      other: () => {
        if (!post) redraw = () => {};
        input.focus();
        input.select();
      },
      original: post?.url ?? postAddress(input.value),
      attempt,
    });
  };
  if (!post) redraw = show;
  dismissProblem();
  show();
  problem.scrollIntoView({ block: 'nearest' });
}

function open(text: string): void {
  input.value = text;
  relabelField();
  window.scrollTo({ top: 0 });
  void submit();
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
  void submit();
});
showHistory(open);
document.documentElement.dataset.ready = '';
performance.mark('ready');
const shared = sharedText(location.search);
if (shared) open(shared);
registerWorker();
