/** Which scenarios a mutant is run through, in which order, and for how long. */
import { ran } from './coverage.mjs';

/** A mutant may make more of a scenario than there is of it in the build as it is. */
const STEPS_TIMES = 2;
const STEPS_MORE = 10_000;
/** Only for what never ends: the machine may be busy. */
const SECONDS_TIMES = 20;
const SECONDS_MORE = 15;

/**
 * The scenarios that run the place of the mutant: the one that found it before first, then the
 * cheapest, as far as `stepsMax` steps of the build as it is go.
 */
export function planOf({ file, start }, coverage, { stepsMax, foundBy = null }) {
  const reaching = [...coverage]
    .filter(({ covered }) => ran(covered[file] ?? [], start))
    .sort((one, other) => rank(one, foundBy) - rank(other, foundBy) || one.steps - other.steps);
  const plan = [];
  let left = stepsMax;
  for (const { name, steps, seconds } of reaching) {
    if (left <= 0) break;
    plan.push({
      name,
      stepsMax: Math.min(left, STEPS_TIMES * steps) + STEPS_MORE,
      seconds: SECONDS_TIMES * seconds + SECONDS_MORE,
    });
    left -= steps;
  }
  return plan;
}

function rank({ name }, foundBy) {
  return name === foundBy ? 0 : 1;
}
