type Listener = (event: Event) => void;
type Text = () => string;
type Property = string | number | boolean | Text | Listener;
type Child = Node | string | Text | null;

/** Attributes whose functions are texts; a function of any other name is a listener. */
const TEXT_ATTRIBUTES = new Set(['alt', 'aria-label', 'href', 'src', 'title']);

/** Texts that `refresh` reads again, and the nodes that show them. */
const bindings = new Set<{ node: Node; update: () => void }>();

function bind(node: Node, update: () => void): void {
  update();
  bindings.add({ node, update });
}

/** Reads all texts again, after a change of language, links or state. Removed nodes are forgotten. */
export function refresh(): void {
  for (const binding of bindings) {
    if (binding.node.isConnected) binding.update();
    else bindings.delete(binding);
  }
}

/**
 * Makes an element. Texts become text nodes and are never parsed as HTML, because titles and names come from strangers.
 * A button submits no form. A function among the children or TEXT_ATTRIBUTES is a text that `refresh` reads again; `true` is an attribute without
 * a value.
 */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Record<string, Property> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (element instanceof HTMLButtonElement) element.type = 'button';
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value !== 'function') setAttribute(element, name, value);
    else if (TEXT_ATTRIBUTES.has(name)) bind(element, () => setAttribute(element, name, (value as Text)()));
    else element.addEventListener(name, value as Listener);
  }
  for (const child of children) {
    if (typeof child === 'function') element.append(text(child));
    else if (child !== null && child !== '') element.append(child);
  }
  return element;
}

function setAttribute(element: Element, name: string, value: string | number | boolean): void {
  const wanted = value === true ? '' : String(value);
  // Setting the same address again would load it again.
  if (value !== false && element.getAttribute(name) !== wanted) element.setAttribute(name, wanted);
}

function text(read: Text): globalThis.Text {
  const node = document.createTextNode('');
  bind(node, () => {
    const words = read();
    if (node.data !== words) node.data = words;
  });
  return node;
}

const SVG = 'http://www.w3.org/2000/svg';

/** A symbol of the sprite in index.html, hidden from screen readers. */
export function icon(name: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  const use = document.createElementNS(SVG, 'use');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  use.setAttribute('href', `#${name}`);
  svg.append(use);
  return svg;
}

/** An element of index.html. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

/** Says something to screen readers only. */
export function announce(words: string): void {
  byId('status').textContent = words;
}

/** Keeps the direction of a stranger's text inside of it. */
export function bdi(words: string): HTMLElement {
  return h('bdi', {}, words);
}
