import { describe, expect, it } from 'vitest';
import { NOTHING, readState, writeState } from '../src/lib/address';

const settings = {
  rate: { default: 0.01, scale: 'log' },
  batch: { default: 64, scale: 'whole' },
  nesterov: { default: false, scale: 'switch' },
  loss: { default: 'minimax', scale: 'choice' },
};

describe('the state of a lab in its address', () => {
  it('comes back as it went', () => {
    const state = {
      changes: { rate: 0.1, batch: 8, nesterov: true, loss: 'hinge' },
      seeds: 3,
      quick: true,
      compare: ['plain', 'heavy_ball'],
      run: 'momentum-20300102-ab12',
    };
    expect(readState(writeState(state), settings)).toEqual(state);
  });

  it('is short where nothing is changed', () => {
    expect(writeState(NOTHING)).toBe('');
    expect(writeState({ ...NOTHING, changes: { rate: 0.1 }, compare: ['a', 'b'] })).toBe('?rate=0.1&compare=a,b');
  });

  it('leaves out what the lab does not have and what cannot be read', () => {
    expect(readState('?colour=red&rate=fast&batch=&seeds=-2&quick=yes', settings)).toEqual(NOTHING);
  });

  it('drops what is the default anyway', () => {
    expect(readState('?rate=0.01&nesterov=false', settings).changes).toEqual({});
  });

  it('takes a number out of range as it is: the server says what is wrong with it', () => {
    expect(readState('?rate=1e9', settings).changes).toEqual({ rate: 1e9 });
  });
});
