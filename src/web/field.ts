import { MAX_TEXT, postAddress, postAddresses } from './address.ts';
import { announce, byId, h, icon } from './dom.ts';
import { t } from './language.ts';

const input = byId<HTMLInputElement>('link');
const button = byId<HTMLButtonElement>('fill');
const note = byId('note');

/** Browsers give pages the clipboard only on https and localhost. */
const canPaste = typeof navigator.clipboard?.readText === 'function';

/** Puts a text into the field, which would join its lines without a space. */
export function fillField(text: string): void {
  input.value = text.replace(/\s+/g, ' ');
  say(null);
  updateButton();
}

/** Says something below the field; null takes it away. */
function say(words: (() => string) | null, wrong = false): void {
  note.replaceChildren(...(words ? [h('span', {}, words)] : []));
  input.ariaInvalid = wrong ? 'true' : null;
  if (words) announce(words());
}

/** Asks for a link where there is none. */
export function askForLink(): void {
  say(() => t.empty, true);
  input.focus();
}

/** The button in the field pastes while the field is empty, and else clears it. */
function updateButton(): void {
  const empty = input.value === '';
  button.hidden = empty && !canPaste;
  button.replaceChildren(
    icon(empty ? 'paste' : 'close'),
    h('span', {}, () => (input.value === '' ? t.paste : t.clear)),
  );
}

async function pasteFromClipboard(open: (text: string) => void): Promise<void> {
  const text = await navigator.clipboard.readText().catch(() => null);
  if (text?.trim()) return open(shorten(text));
  say(() => (text === null ? t.pasteBlocked : t.clipboardEmpty));
  input.focus();
}

/** The field and the service take no more than MAX_TEXT, and the link may stand at the end. */
function shorten(text: string): string {
  if (text.length <= MAX_TEXT) return text.trim();
  return postAddresses(text).join(' ') || (postAddress(text) ?? text.slice(0, MAX_TEXT));
}

/**
 * @param open gets what was pasted or dropped
 * @param clear is called when the field was cleared by its button
 */
export function startField(open: (text: string) => void, clear: () => void): void {
  input.addEventListener('input', () => {
    say(null);
    updateButton();
  });
  button.addEventListener('click', () => {
    if (input.value === '') return void pasteFromClipboard(open);
    fillField('');
    input.focus();
    clear();
  });
  document.addEventListener('paste', (event) => {
    const text = event.clipboardData?.getData('text') ?? '';
    if (event.target === input && input.value !== '') {
      if (text.length <= MAX_TEXT) return;
      event.preventDefault();
      fillField(shorten(text));
    } else if (postAddress(text)) {
      event.preventDefault();
      open(shorten(text));
    }
  });
  // The browser would open a link that is dropped on the page.
  document.addEventListener('dragover', (event) => {
    if (event.target !== input && event.dataTransfer?.types.includes('text/plain')) event.preventDefault();
  });
  document.addEventListener('drop', (event) => {
    const text = event.dataTransfer?.getData('text') ?? '';
    if (event.target === input && input.value !== '') return;
    if (postAddress(text) === null) return;
    event.preventDefault();
    open(shorten(text));
  });
  updateButton();
}
