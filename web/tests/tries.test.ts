import { describe, expect, it } from 'vitest';
import { triesOf } from '../src/lib/tries';
import type { Setting } from '../src/lib/answers';

const dropout: Setting = {
  name: 'dropout', default: 0.5, scale: 'linear', low: 0, high: 1, choices: [], allowed: '', effect: { dropout: 0.3 },
};
const texts = (setting: Setting, wrong: Parameters<typeof triesOf>[0]['wrong'] = []): string[] =>
  triesOf({ wrong }, setting).map((each) => each.text);

describe('what to try with a setting', () => {
  it('is a value that makes a difference', () => {
    expect(texts(dropout)).toEqual(['0.3']);
    expect(texts({ ...dropout, effect: null })).toEqual([]);
    expect(texts({ ...dropout, default: 0.3 })).toEqual([]);
  });

  it('names what else it takes', () => {
    const masks: Setting = { ...dropout, name: 'masks', default: 'row', scale: 'choice' };
    expect(texts({ ...masks, effect: { masks: 'batch', dropout: 0.5 } })).toEqual(['batch with dropout 0.5']);
    const twice: Setting = { ...dropout, name: 'twice', default: false, scale: 'switch', effect: { twice: true } };
    expect(texts(twice)).toEqual(['on']);
  });

  it('is rather what goes wrong, as the lab says why', () => {
    const wrong = [
      { setting: 'dropout=0.9', changes: { dropout: 0.9 }, reason: 'Too much.' },
      { setting: 'rate=1', changes: { rate: 1 }, reason: 'Too long.' },
      { setting: 'a copy', changes: null, reason: 'Full.' },
    ];
    expect(triesOf({ wrong }, dropout)).toEqual([{ changes: { dropout: 0.9 }, text: '0.9', reason: 'Too much.' }]);
  });
});
