/** Random scenarios: whichever way they are explored, they have the same ends. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LONG } from '../../support/long.js';
import { endsOf, randomDeath, randomScenario, scenarioOf } from '../../support/random.js';

const RUNS = LONG ? 50_000 : 2_000;
const DEATHS = LONG ? 50_000 : 500;

it.each([
  ['', randomScenario(), RUNS],
  [' in which a thread is killed', randomDeath(), DEATHS],
] as const)(
  'random scenarios%s have the same ends naively, by reduction, in parts and by states',
  (_, arbitrary, runs) => {
    let [raced, whole] = [0, 0];
    fc.assert(
      fc.property(arbitrary, (drawn) => {
        const scenario = scenarioOf(drawn);
        const all = endsOf(scenario, 'naive');
        const few = endsOf(scenario, 'reduced');
        const states = endsOf(scenario, 'states');
        const parts = endsOf(scenario, 'parts');
        expect([all.complete, few.complete]).toEqual([true, true]);
        expect([few.broken, states.broken]).toEqual([all.broken, all.broken]);
        // A race is told where it is found, and what comes after is of no interest.
        if (all.broken.length > 0) raced++;
        else {
          expect(few.ends).toEqual(all.ends);
          expect(parts).toMatchObject({ complete: true, ends: all.ends });
          if (states.complete) expect(states.ends).toEqual(all.ends);
          whole += states.complete ? 1 : 0;
        }
      }),
      // That two places of an operation are one is an assumption: see local.ts. It held for these.
      { numRuns: runs, seed: 1 },
    );
    expect(raced).toBeGreaterThan(runs / 50);
    expect(whole).toBeGreaterThan(0.9 * (runs - raced));
  },
  LONG ? 1_800_000 : 240_000,
);
