/** Between a setting's value and the place of its slider, a share from 0 to 1. */

import type { Setting } from './answers';

type Range = Pick<Setting, 'scale' | 'low' | 'high' | 'default'>;

/** Whether it has a slider: a number with two bounds. */
export function isSlidable(setting: Range): boolean {
  const { low, high, scale } = setting;
  return low !== null && high !== null && (scale === 'log' || scale === 'linear' || scale === 'whole');
}

/** Whole numbers over a wide range move as factors do: 1, 2, 4 ... 512. */
function isLog({ scale, low, high }: Range): boolean {
  return scale === 'log' || (scale === 'whole' && low !== null && high !== null && low > 0 && high / low >= 50);
}

export function toShare(setting: Range, value: number): number {
  if (!isSlidable(setting)) return 0;
  const [low, high] = [setting.low!, setting.high!];
  const share = isLog(setting)
    ? Math.log(value / low) / Math.log(high / low)
    : (value - low) / (high - low);
  return Math.min(Math.max(share, 0), 1);
}

export function fromShare(setting: Range, share: number): number {
  const [low, high] = [setting.low!, setting.high!];
  const value = isLog(setting) ? low * (high / low) ** share : low + share * (high - low);
  if (setting.scale === 'whole') return Math.round(value);
  if (share <= 0) return low;
  if (share >= 1) return high;
  // Two digits are enough to set by hand, and read well.
  return isLog(setting) ? Number(value.toPrecision(2)) : Number(value.toFixed(decimals(high - low)));
}

function decimals(range: number): number {
  return Math.max(0, 2 - Math.floor(Math.log10(range)));
}
