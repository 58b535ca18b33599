/** Where one is: the part of the address below the prefix that the server may have. */

const base = new URL('.', document.baseURI);

function present(): { path: string; query: string } {
  const { pathname, search } = window.location;
  const below = pathname.startsWith(base.pathname) ? pathname.slice(base.pathname.length) : '';
  return { path: decodeURIComponent(below), query: search };
}

export const route = $state(present());

/** An address of this page, below the prefix. */
export function href(path: string): string {
  return base.pathname + path.replace(/^\//, '');
}

/** Go there; `replace` leaves no step to go back to. */
export function go(path: string, options: { replace?: boolean } = {}): void {
  const address = href(path);
  if (options.replace) window.history.replaceState(null, '', address);
  else window.history.pushState(null, '', address);
  const before = route.path;
  Object.assign(route, present());
  if (!options.replace && route.path !== before) window.scrollTo(0, 0);
}

/** Follow links within the page without loading it again. */
function follow(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element).closest('a');
  if (!link || link.target || link.hasAttribute('download') || link.dataset['whole']) return;
  const there = new URL(link.href);
  if (there.origin !== base.origin || !there.pathname.startsWith(base.pathname)) return;
  if (there.hash && there.pathname === window.location.pathname) return;
  event.preventDefault();
  go(there.pathname.slice(base.pathname.length) + there.search);
}

document.addEventListener('click', follow);
window.addEventListener('popstate', () => Object.assign(route, present()));
