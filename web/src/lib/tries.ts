/** What to try with a setting: values that the lab itself names. */

import type { Value } from './address';
import type { Lab, Setting } from './answers';
import { said, words } from './format';

export interface Try {
  changes: Record<string, Value>;
  text: string;
  /** What comes of it, where the lab says so. */
  reason: string;
}

/** Values known to go wrong, with the reason; else one that is known to make a difference. */
export function triesOf(lab: Pick<Lab, 'wrong'>, setting: Setting): Try[] {
  const wrong = lab.wrong.flatMap(({ changes, reason }) =>
    changes && setting.name in changes ? [{ changes, reason }] : [],
  );
  const effect = setting.effect ? [{ changes: setting.effect, reason: '' }] : [];
  const found = wrong.length > 0 ? wrong : effect;
  return found
    .filter(({ changes }) => changes[setting.name] !== setting.default)
    .map((each) => ({ ...each, text: told(setting, each.changes) }));
}

function told(setting: Setting, changes: Record<string, Value>): string {
  const others = Object.entries(changes).filter(([name]) => name !== setting.name);
  const beside = others.map(([name, value]) => `${words(name)} ${said(value)}`).join(' and ');
  return valueOf(setting, changes[setting.name]!) + (beside && ` with ${beside}`);
}

function valueOf(setting: Setting, value: Value): string {
  if (setting.scale === 'switch') return value ? 'on' : 'off';
  return setting.scale === 'choice' ? words(String(value)) : said(value);
}
