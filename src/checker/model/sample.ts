/**
 * Samples executions where there are too many to explore: at random, or by PCT.
 *
 * PCT (Burckhardt, Kothari, Musuvathi, Nagarakatte, ASPLOS 2010): threads have random priorities,
 * the highest that can goes on, and at `depth - 1` random steps the running thread drops to the
 * lowest. A failure that needs `depth` ordered steps is found with a known probability in each
 * execution.
 */
import type { Prng } from '../../core/base/prng.js';
import { threadsIn } from './bits.js';
import { type Ending, endingOf } from './ending.js';
import type { Exploration, Step } from './explore.js';
import type { Machine } from './machine.js';
import { notSpinning } from './spin.js';

interface SampleOptions {
  readonly executions: number;
  /** Null: every step's thread at random. */
  readonly depth: number | null;
  readonly stepsMax: number;
  readonly onEnd: (ending: Ending, steps: () => Step[]) => boolean;
}

/** Steps among which PCT places its changes; adapts to the longest execution seen. */
const LENGTH_GUESS = 64;

type Choose = (enabled: readonly number[], step: number) => number;

export function sample(machine: Machine, prng: Prng, options: SampleOptions): Exploration {
  const mark = machine.mark();
  let length = LENGTH_GUESS;
  let steps = 0;
  let dismissed = 0;
  let cut = 0;
  const result = (complete: boolean, runs: number): Exploration => {
    const counts = { executions: runs - dismissed - cut, redundant: 0, dismissed, steps };
    return {
      ...counts,
      complete: complete && cut === 0,
      isTooLong: cut > 0,
      states: null,
      bound: null,
    };
  };
  for (let run = 0; run < options.executions; run++) {
    if (steps >= options.stepsMax) return result(false, run);
    machine.restore(mark, 0);
    const choose =
      options.depth === null
        ? (enabled: readonly number[]): number => enabled[prng.below(enabled.length)] as number
        : byPriority(machine.threads, options.depth, length, prng);
    const trace = sampleOne(machine, choose);
    steps += trace.length;
    length = Math.max(length, trace.length);
    const ending = endingOf(machine);
    if (ending.kind === 'dismissed') dismissed++;
    else if (ending.kind === 'cut') cut++;
    else if (options.onEnd(ending, () => trace)) return result(false, run + 1);
  }
  return result(true, options.executions);
}

function sampleOne(machine: Machine, choose: Choose): Step[] {
  const trace: Step[] = [];
  while (machine.thrown === null) {
    const enabled = machine.sleepers.enabledThreads();
    if (enabled === 0) break;
    const thread = choose(threadsIn(notSpinning(machine, enabled)), trace.length);
    const access = machine.nextAccess(thread);
    machine.perform(thread);
    trace.push({ thread, access, found: machine.found });
  }
  return trace;
}

function byPriority(threads: number, depth: number, length: number, prng: Prng): Choose {
  const priorities = Array.from({ length: threads }, () => depth + prng.below(1 << 20));
  const changes = new Map<number, number>();
  for (let change = 1; change < depth; change++) changes.set(prng.below(length), change);
  const best = (enabled: readonly number[]): number =>
    enabled.reduce((a, b) => ((priorities[b] as number) > (priorities[a] as number) ? b : a));
  return (enabled, step) => {
    const low = changes.get(step);
    if (low !== undefined) priorities[best(enabled)] = depth - low - 1;
    return best(enabled);
  };
}
