import { h, refresh } from './dom.ts';
import { type Report, saveEach, shareButton, taskButton } from './download.ts';
import { format, t } from './language.ts';
import { type ListContext, PostRow } from './post-row.ts';
import { mainFiles } from './saves.ts';

/** Posts of one list. */
const MAX_POSTS = 20;

/** Posts that are requested at once. */
const PARALLEL = 3;

/** The posts of several links in the order of these. What goes wrong stands beside its link. */
export function postList(
  links: string[],
  context: ListContext,
): { element: HTMLElement; load: () => Promise<void> } {
  const saves = h('div', { class: 'saves' });
  // Until then a button that is in use could be replaced by the one for a post more.
  let loaded = false;
  const changed = () => {
    if (loaded && found().length > 0) saves.replaceChildren(...saveAll(found(), context.report));
    refresh();
  };
  const rows = links.slice(0, MAX_POSTS).map((link) => new PostRow(link, context, changed));
  const found = () => rows.filter(({ post }) => post !== null);
  const words = () => format(t.listReady, { n: found().length, m: rows.length });
  const tooMany = () => format(t.tooMany, { n: rows.length, m: links.length });
  const element = h(
    'article',
    { class: 'card list', 'aria-labelledby': 'result-title' },
    h('h2', { id: 'result-title', tabindex: -1 }, words),
    links.length > MAX_POSTS ? h('p', {}, tooMany) : null,
    saves,
    h('ol', {}, ...rows.map((row) => row.element)),
  );
  const load = async () => {
    const left = [...rows];
    const work = async () => {
      for (let row = left.shift(); row && !context.signal.aborted; row = left.shift()) await row.load();
    };
    await Promise.all(Array.from({ length: PARALLEL }, work));
    loaded = true;
    changed();
  };
  return { element, load };
}

/** All posts in one share sheet where there is one, and by download one after the other. */
function saveAll(rows: PostRow[], report: Report): HTMLElement[] {
  const posts = rows.flatMap((row) => (row.post ? [{ row, ...mainFiles(row.post) }] : []));
  const files = posts.filter(({ file }) => file !== '');
  const label = () => format(t.saveAll, { n: posts.length });
  const download = (say?: (text: () => string) => void) =>
    saveEach(
      files.map(({ file }) => file),
      (at) => {
        files[at]?.row.markSaved();
        say?.(() => format('{n} / {m}', { n: at + 1, m: files.length }));
      },
      (failure, at) => {
        files[at]?.row.fileFailed(failure);
        return true;
      },
    );
  const sharing = shareButton({
    links: posts.flatMap(({ shared }) => shared),
    size: posts.reduce((sum, { size }) => sum + size, 0),
    label,
    detail: () => t.shareHint,
    report,
    fallback: () => void download(),
  });
  const button = taskButton(
    { label: sharing ? () => t.download : label, primary: !sharing, report },
    async (say) => {
      await download(say);
      return () => t.started;
    },
  );
  return sharing ? [sharing, button] : [button];
}
