/**
 * One operation of a thread, run once and alone, in a scenario that is set up anew: whoever runs it
 * answers its accesses. By X2 that is all that it may depend on.
 */
import { ACCESS, type AccessKind, type Performer, Seam } from './access.js';
import { Deaths } from './deaths.js';
import { Ghosts } from './ghosts.js';
import { Machine } from './machine.js';
import type { Operation } from './program.js';
import type { Scenario, Stage } from './scenario.js';
import { Spawned } from './spawn.js';

/** What stops a thread where it is to go no further. */
const STOPPED: object = Object.freeze({ stopped: true });

/** How one operation went. */
export type Outcome =
  | { readonly kind: 'returned'; readonly result: unknown }
  | { readonly kind: 'threw'; readonly error: unknown }
  | { readonly kind: 'stopped' };

/** What an access finds; null: the operation stops there. */
export type Answer = (kind: AccessKind, word: number, a: number, b: number) => number | null;

export class Solo implements Performer {
  readonly program: readonly Operation[];
  private readonly machine: Machine;
  private answer: Answer | null = null;
  private isStopping = false;

  constructor(scenario: Scenario, thread: number) {
    const { threads, ghostWords = 0 } = scenario;
    const spawned = new Spawned(scenario);
    const deaths = new Deaths(scenario, spawned.words);
    this.machine = new Machine({ words: deaths.words, threads, ghostWords });
    const memory = new Seam(this);
    const stage: Stage = {
      ...spawned.calls(memory),
      ...deaths.calls(memory, (word, dead) => void this.access(ACCESS.kill, word, dead, 0)),
      memory,
      ghost: new Ghosts(this.machine, ghostWords),
      see: () => undefined,
      assume: (condition) => {
        if (!condition) this.stop();
      },
    };
    this.program = spawned.ending(scenario.setup(stage).threads, memory)[thread] ?? [];
  }

  run(operation: number, results: readonly unknown[], answer: Answer): Outcome {
    this.answer = answer;
    this.isStopping = false;
    try {
      return { kind: 'returned', result: this.program[operation]?.(results) };
    } catch (error) {
      return error === STOPPED ? { kind: 'stopped' } : { kind: 'threw', error };
    }
  }

  access(kind: AccessKind, word: number, a: number, b: number): number {
    // Setting up.
    if (this.answer === null) return this.machine.access(kind, word as never, a, b);
    // A `finally` on the way out.
    if (this.isStopping) return 0;
    return this.answer(kind, word, a, b) ?? this.stop();
  }

  private stop(): never {
    this.isStopping = true;
    throw STOPPED;
  }
}
