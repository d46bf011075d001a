/** How a thread dwells where it is, so that others meet it there: mostly it spins, or it sleeps. */
import type { Prng } from '../../core/base/prng.js';
import type { Memory } from '../../core/mem/memory.js';
import { CONTROL, controlWord } from './control.js';

export interface Pause {
  /** One pause in this many is a sleep of `sleepMs`. */
  readonly sleepOneIn: number;
  readonly sleepMs: number;
  /** The others are a spin of fewer rounds than this. */
  readonly spinMax: number;
}

/** A sleep ends early when the crew is stopped. */
export function dwell(control: Memory, prng: Prng, { sleepOneIn, sleepMs, spinMax }: Pause): void {
  if (prng.below(sleepOneIn) === 0) {
    control.awaitChange(controlWord(CONTROL.STOP), 0, sleepMs);
    return;
  }
  const spins = prng.below(spinMax);
  for (let spin = 0; spin < spins; spin++) prng.next();
}
