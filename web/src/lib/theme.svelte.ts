/** Light or dark: as the system says, until a person says otherwise. */

export type Choice = 'system' | 'light' | 'dark';

const KEY = 'pilotlight-theme';
const system = window.matchMedia('(prefers-color-scheme: dark)');

function remembered(): Choice {
  const found = window.localStorage.getItem(KEY);
  return found === 'light' || found === 'dark' ? found : 'system';
}

class Theme {
  choice = $state<Choice>(remembered());
  #systemIsDark = $state(system.matches);

  constructor() {
    system.addEventListener('change', (event) => {
      this.#systemIsDark = event.matches;
      this.show();
    });
    this.show();
  }

  get dark(): boolean {
    return this.choice === 'system' ? this.#systemIsDark : this.choice === 'dark';
  }

  /** The other one; where that is what the system says, the system decides again. */
  turn(): void {
    const wanted: Choice = this.dark ? 'light' : 'dark';
    this.choice = (wanted === 'dark') === this.#systemIsDark ? 'system' : wanted;
    if (this.choice === 'system') window.localStorage.removeItem(KEY);
    else window.localStorage.setItem(KEY, this.choice);
    this.show();
  }

  show(): void {
    document.documentElement.dataset['theme'] = this.dark ? 'dark' : 'light';
  }
}

export const theme = new Theme();

/** A colour of the style sheet, for what is drawn on a canvas. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
