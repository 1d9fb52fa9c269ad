import { h } from './dom.ts';

let groups = 0;

/** Radio buttons in a row; the first one is chosen. */
export function choice<T extends string>(
  label: () => string,
  options: (readonly [value: T, text: () => string])[],
  chosen: (value: T) => void,
): HTMLFieldSetElement {
  groups += 1;
  const name = `choice-${groups}`;
  const buttons = options.map(([value, text], index) =>
    h(
      'label',
      {},
      h('input', { type: 'radio', name, checked: index === 0, change: () => chosen(value) }),
      h('span', {}, text),
    ),
  );
  return h('fieldset', { class: 'choice' }, h('legend', {}, label), ...buttons);
}
