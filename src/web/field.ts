import { byId, icon } from './dom.ts';
import { t } from './language.ts';
import { postAddress } from './visit.ts';

const input = byId<HTMLInputElement>('link');
const button = byId<HTMLButtonElement>('fill');

/** Only on https and localhost do browsers let a page ask for the clipboard. */
const canPaste = typeof navigator.clipboard?.readText === 'function';

/** The button in the field pastes while the field is empty, and empties it else. */
export function relabelField(): void {
  const empty = input.value === '';
  button.hidden = empty && !canPaste;
  button.replaceChildren(icon(empty ? 'paste' : 'close'), empty ? t.paste : t.clear);
}

/** @param open gets what was pasted, to be shown at once */
export function startField(open: (text: string) => void): void {
  input.addEventListener('input', relabelField);
  button.addEventListener('click', async () => {
    if (input.value !== '') {
      input.value = '';
    } else {
      const text = await navigator.clipboard.readText().catch(() => '');
      if (text.trim()) return open(text.trim());
    }
    relabelField();
    input.focus();
  });
  // Wherever the focus is: a visitor who comes with a link has nothing else to paste.
  document.addEventListener('paste', (event) => {
    const text = event.clipboardData?.getData('text').trim();
    if (event.target === input || !text) return;
    event.preventDefault();
    open(text);
  });
  // A link that is dropped on the page would take the visitor to TikTok.
  document.addEventListener('dragover', (event) => {
    if (event.target !== input && event.dataTransfer?.types.includes('text/plain')) event.preventDefault();
  });
  document.addEventListener('drop', (event) => {
    const text = event.dataTransfer?.getData('text') ?? '';
    if (event.target === input && input.value !== '') return;
    if (postAddress(text) === null) return;
    event.preventDefault();
    open(text.trim());
  });
  relabelField();
}
