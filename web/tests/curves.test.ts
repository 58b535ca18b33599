import { describe, expect, it } from 'vitest';
import type { Member } from '../src/lib/answers';
import { quantile, spreads, summary, thin, thinned, valueAt } from '../src/lib/curves';

function member(comparison: string, seed: number, curve: (number | null)[], more: Partial<Member> = {}): Member {
  return {
    index: seed,
    comparison,
    seed,
    settings: {},
    curves: { epoch: curve.map((_, i) => i), accuracy: curve },
    final: {},
    diverged_at: null,
    stopped_at: null,
    best_step: null,
    ...more,
  };
}

describe('quantiles', () => {
  it('are those of numpy.percentile', () => {
    const values = [1, 2, 4, 8, 16];
    expect(quantile(values, 0.1)).toBeCloseTo(1.4, 12);
    expect(quantile(values, 0.9)).toBeCloseTo(12.8, 12);
    expect(quantile([3], 0.9)).toBe(3);
  });
});

describe('mean and band', () => {
  it('go from the lowest to the highest of few networks', () => {
    const found = spreads([member('a', 0, [0, 0.5]), member('a', 1, [1, 0.7])], 'accuracy', 'epoch');
    expect(found['a']).toEqual({ x: [0, 1], mean: [0.5, 0.6], low: [0, 0.5], high: [1, 0.7], networks: 2, counted: 2 });
  });

  it('are the middle 80 % of five and more', () => {
    const five = [1, 2, 4, 8, 16].map((v, i) => member('a', i, [v]));
    const { low, high } = spreads(five, 'accuracy', 'epoch')['a']!;
    expect(low[0]).toBeCloseTo(1.4, 12);
    expect(high[0]).toBeCloseTo(12.8, 12);
  });

  it('leave out networks that diverged, and count them', () => {
    const found = spreads([member('a', 0, [1]), member('a', 1, [100], { diverged_at: 5 })], 'accuracy', 'epoch')['a']!;
    expect([found.mean[0], found.networks, found.counted]).toEqual([1, 2, 1]);
  });

  it('hold the value of a network that stopped early', () => {
    const stopped = member('a', 0, [0, 1], { stopped_at: 1, final: { accuracy: 0.8 } });
    const found = spreads([stopped, member('a', 1, [0, 0, 0.4])], 'accuracy', 'epoch')['a']!;
    expect(found.mean[2]).toBeCloseTo(0.6, 12);
  });
});

describe('thinning', () => {
  it('keeps both ends, goes up, and holds no more than asked for', () => {
    const kept = thinned(1001, 60);
    expect(kept).toHaveLength(60);
    expect([kept[0], kept.at(-1)]).toEqual([0, 1000]);
    expect(kept.every((at, i) => i === 0 || at > kept[i - 1]!)).toBe(true);
  });

  it('leaves short curves alone', () => {
    const short = { x: [0, 1], mean: [1, null], low: [1, null], high: [1, null], networks: 1, counted: 1 };
    expect(thin(short, 60)).toEqual(short);
  });
});

describe('what a curve says', () => {
  const curve = { x: [0, 2, 4], mean: [0, 1, 2], low: [0, 1, 2], high: [0, 1, 3], networks: 3, counted: 2 };

  it('is its value at the last point that is not later', () => {
    expect(valueAt(curve, 3)?.mean).toBe(1);
    expect(valueAt(curve, null)?.mean).toBe(2);
    expect(valueAt(curve, -1)).toBeNull();
  });

  it('is told in words for those who cannot see it', () => {
    expect(summary('test_accuracy', 'epoch', { heavy_ball: curve })).toBe(
      'test accuracy along epochs, to epoch 4. Last values, mean and band: heavy ball: 2 (2 to 3), 3 networks, 1 diverged.',
    );
  });
});
