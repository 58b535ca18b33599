/** Figures as the server draws them, with the colours of the page's style sheet. */

/** Colours of figures, and what they are called in the style sheet. */
const NAMES: Readonly<Record<string, string>> = {
  '#000000': 'ink',
  '#1d2430': 'ink',
  '#5a6472': 'quiet',
  '#dde2e8': 'rule',
  '#ffffff': 'surface',
  '#1f5fbf': 'line-0',
  '#c9540a': 'line-1',
  '#00866f': 'line-2',
  '#a83f8e': 'line-3',
  '#ab8a00': 'line-4',
  '#2f98c9': 'line-5',
  '#3a4350': 'line-6',
  '#7d2238': 'line-7',
};
const COLOUR = /#[0-9a-f]{6}\b/g;
let drawings = 0;

/**
 * The figure at an address, as a node.
 *
 * With the house's colours only, these follow the page; a figure with others keeps its own.
 */
export async function drawn(source: string, label: string): Promise<SVGElement> {
  const response = await fetch(source);
  if (!response.ok) throw new Error(response.statusText);
  const parsed = new DOMParser().parseFromString(await response.text(), 'image/svg+xml');
  const svg = parsed.documentElement as unknown as SVGElement;
  if (svg.nodeName !== 'svg') throw new Error('no drawing');
  svg.querySelectorAll('script, style, foreignObject, metadata').forEach((each) => each.remove());
  drawings += 1;
  renamed(svg, `drawing${drawings}-`);
  coloured(svg);
  svg.removeAttribute('width');
  svg.removeAttribute('height');
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', label);
  return document.importNode(svg, true);
}

/** Names within a drawing are known in the whole page, so each drawing gets names of its own. */
function renamed(svg: SVGElement, prefix: string): void {
  for (const each of svg.querySelectorAll('*')) {
    if (each.id) each.id = prefix + each.id;
    for (const { name, value } of [...each.attributes]) {
      if (name.endsWith('href') && value.startsWith('#')) each.setAttribute(name, `#${prefix}${value.slice(1)}`);
      else if (value.includes('url(#')) each.setAttribute(name, value.replaceAll('url(#', `url(#${prefix}`));
    }
  }
}

function coloured(svg: SVGElement): void {
  const styled = [...svg.querySelectorAll<SVGElement>('[style]')];
  const texts = styled.map((each) => each.getAttribute('style') ?? '');
  const ours = texts.every((text) => (text.match(COLOUR) ?? []).every((colour) => colour in NAMES));
  svg.classList.add(ours ? 'house' : 'own');
  if (!ours) return;
  styled.forEach((each, i) => {
    each.setAttribute('style', texts[i]!.replace(COLOUR, (colour) => `var(--${NAMES[colour]}, ${colour})`));
  });
}
