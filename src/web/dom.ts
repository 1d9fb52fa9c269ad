type Property = string | number | boolean | ((event: Event) => void);

/**
 * The one way to an element. Text becomes text nodes and is never read as HTML, for titles and names of posts come
 * from strangers. `true` is an attribute without a value, a function a listener.
 */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Record<string, Property> = {},
  ...children: (Node | string | null)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value !== false) element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.filter((child): child is Node | string => child !== null && child !== ''));
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';

/** A symbol of the page's sprite. It says nothing to a screen reader: a text beside it does. */
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

/** Tells a screen reader, and nobody else. */
export function announce(text: string): void {
  byId('status').textContent = text;
}

/** For text of strangers: its direction is its own and ends with it. */
export function bdi(text: string): HTMLElement {
  return h('bdi', {}, text);
}
