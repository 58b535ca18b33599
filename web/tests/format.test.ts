import { describe, expect, it } from 'vitest';
import { ago, alike, bytes, listed, minus, number, seconds, settingsOf, title } from '../src/lib/format';

describe('numbers', () => {
  it.each([
    [0.94567, '0.946'],
    [1024, '1,024'],
    [3.21e-9, '3.21e−9'],
    [-0.25, '−0.25'],
    [12345.6, '12,346'],
    [0, '0'],
    [null, 'not finite'],
    [NaN, 'not finite'],
  ])('%s is %s', (value, text) => expect(number(value)).toBe(text));

  it('have equal decimals where they are read together', () => {
    expect(alike([-0.00291, -0.00862, 0.00281])).toEqual(['−0.003', '−0.009', '0.003']);
    expect(alike([0.442, 0.991, 0.98])).toEqual(['0.44', '0.99', '0.98']);
    expect(alike([-0.0001, 0.5])).toEqual(['0.00', '0.50']);
  });

  it('get a typographic minus where a number begins, not within a word', () => {
    expect(minus('MLP 64-64-10, -0.5 to 2')).toBe('MLP 64-64-10, −0.5 to 2');
  });
});

describe('words', () => {
  it('tell times', () => {
    expect([0.2, 1, 30, 120, 12_600].map(seconds)).toEqual(['less than a second', '1 second', '30 seconds', '2 minutes', '3.5 hours']);
    const now = Date.parse('2030-01-02T12:00:00Z');
    expect(ago('2030-01-02T11:00:00Z', now)).toBe('1 hour ago');
    expect(ago('2030-01-02T11:59:40Z', now)).toBe('just now');
  });

  it('tell what a command sets', () => {
    expect(settingsOf('pilotlight run gan --seeds 2 --set measure_every=20')).toBe('seeds 2, measure every = 20');
    expect(settingsOf('pilotlight fit penguins --target species --in-time')).toBe('target species, in-time');
    expect(settingsOf('pilotlight run gan')).toBe('');
  });

  it('tell sizes, lists and names', () => {
    expect(bytes(812_345)).toBe('812 KB');
    expect(listed(['a', 'b', 'c'])).toBe('a, b and c');
    expect(['dqn', 'elastic-weights', 'rnn-cell'].map(title)).toEqual(['DQN', 'Elastic weights', 'RNN cell']);
  });
});
