/** Tells whether an element is on the screen or near it: what nobody sees is not fetched. */
export function onscreen(node: Element, tell: (yes: boolean) => void): { destroy: () => void } {
  const observer = new IntersectionObserver((entries) => tell(entries.at(-1)?.isIntersecting ?? false), {
    rootMargin: '600px 0px 300px',
  });
  observer.observe(node);
  return { destroy: () => observer.disconnect() };
}
