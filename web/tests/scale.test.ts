import { describe, expect, it } from 'vitest';
import { fromShare, isSlidable, toShare } from '../src/lib/scale';

const log = { scale: 'log', low: 1e-4, high: 100, default: 0.01 } as const;
const whole = { scale: 'whole', low: 1, high: 512, default: 64 } as const;

describe('sliders', () => {
  it('reach both ends exactly', () => {
    for (const setting of [log, whole]) {
      expect([fromShare(setting, 0), fromShare(setting, 1)]).toEqual([setting.low, setting.high]);
    }
  });

  it('move by factors where factors matter', () => {
    expect(toShare(log, 0.1)).toBeCloseTo(0.5, 12);
    expect(fromShare(log, 0.5)).toBe(0.1);
    expect(fromShare(whole, 0.5)).toBe(23);
  });

  it('come back to the value that they were set to', () => {
    for (const value of [0.003, 0.25, 7]) expect(fromShare(log, toShare(log, value))).toBe(value);
  });

  it('are only for numbers with two bounds', () => {
    expect(isSlidable({ scale: 'whole', low: 1, high: null, default: 15 })).toBe(false);
    expect(isSlidable({ scale: 'choice', low: null, high: null, default: 'a' })).toBe(false);
  });
});
