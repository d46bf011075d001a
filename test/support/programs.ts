/** Small programs over the model's memory, explored with and without reduction. */

import { endingOf } from '#src/checker/model/ending.js';
import { type Exploration, explore } from '#src/checker/model/explore.js';
import { Machine } from '#src/checker/model/machine.js';
import type { Operation } from '#src/checker/model/program.js';
import type { Stage } from '#src/checker/model/scenario.js';
import type { Word } from '#src/core/base/units.js';
import type { Memory } from '#src/core/mem/memory.js';

/** What one thread does: a plain function of the memory, its own number, and `Stage.assume`. */
export type Program = (mem: Memory, thread: number, assume: Stage['assume']) => unknown;

export interface Explored extends Exploration {
  /**
   * Every end that was seen: how it ended, the words, what the threads returned, and which of them
   * a notify has woken.
   */
  readonly ends: ReadonlySet<string>;
  /** Of those, how often each kind of ending was seen. */
  readonly kinds: Readonly<Record<string, number>>;
}

export function word(index: number): Word {
  return index as Word;
}

export function exploreAll(
  words: number,
  programs: readonly Program[],
  reduce: boolean = true,
  stepsMax: number = 5_000_000,
  early?: readonly number[],
): Explored {
  const machine = new Machine({ words, ghostWords: 0, threads: programs.length, early });
  const operations = programs.map((program, thread): Operation[] => [
    (): unknown => program(machine.memory, thread, (condition) => machine.assume(condition)),
  ]);
  machine.begin(operations);
  const ends = new Set<string>();
  const kinds: Record<string, number> = {};
  const result = explore(machine, {
    reduce,
    stepsMax,
    onEnd: (ending) => {
      kinds[ending.kind] = (kinds[ending.kind] ?? 0) + 1;
      const values = Array.from({ length: words }, (_, at) => machine.state.view(at));
      const returned = operations.map((_, thread) => machine.resultsOf(thread));
      const woken = operations.map((_, thread) => machine.sleepers.wokenAt(thread) > 0);
      ends.add(JSON.stringify([describe(endingOf(machine)), values, returned, woken]));
      return false;
    },
  });
  return { ...result, ends, kinds };
}

/** Who could go on does not matter where somebody threw: only that, and by whom. */
function describe(ending: ReturnType<typeof endingOf>): unknown {
  return ending.kind === 'failed' ? [ending.kind, ending.thread, String(ending.error)] : ending;
}

/** The values that the programs returned, over all executions. */
export function returnedBy({ ends }: Explored): string[] {
  const all = [...ends].map((end) => JSON.stringify((JSON.parse(end) as unknown[])[2]));
  return [...new Set(all)].sort();
}
