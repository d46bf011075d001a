/** Exploring executions: what to explore, what came of it, and how to stop on the way and go on. */
import type { Access } from './access.js';
import type { Ending } from './ending.js';
import { Explorer } from './explorer.js';
import type { Machine } from './machine.js';

export interface Step {
  readonly thread: number;
  readonly access: Access | null;
  readonly found: number;
}

export interface ExploreOptions {
  /** False: every interleaving, for comparison and for the next. */
  readonly reduce: boolean;
  /** Without reduction: how often a thread may be switched away from while it could go on. */
  readonly preemptionsMax?: number | undefined;
  /** With reduction: only this part of all executions. */
  readonly part?: Part | undefined;
  /** Called at the end of each execution; return true to stop exploring. */
  readonly onEnd: (ending: Ending, steps: () => Step[]) => boolean;
}

/**
 * One of `count` parts of an exploration, counted from 0: others explore the others. Each makes the
 * first few steps in every order that sleep sets leave, and goes on from where it is its turn.
 */
export interface Part {
  readonly index: number;
  readonly count: number;
}

export interface Exploration {
  /** Whether everything was explored. */
  readonly complete: boolean;
  /** Executions explored to their end: with reduction, one for each trace. */
  readonly executions: number;
  /** Executions that were given up because all threads that could go on were covered. */
  readonly redundant: number;
  /** Executions in which a thread assumed what is not so: see `Stage.assume`. */
  readonly dismissed: number;
  readonly steps: number;
  /** Whether it ended because an operation made more accesses than are followed. */
  readonly isTooLong: boolean;
  /** What bounded it, in words, where that is not just the number of steps; else null. */
  readonly bound: string | null;
  /** How many states there are, where each was explored once; else null. */
  readonly states: number | null;
}

/** Explores all executions, or as many as so many steps make. */
export function explore(
  machine: Machine,
  options: ExploreOptions & { readonly stepsMax: number },
): Exploration {
  return new Exploring(machine, options).upTo(options.stepsMax);
}

/** An exploration that can be stopped and gone on with; nobody else uses the machine meanwhile. */
export class Exploring {
  private readonly machine: Machine;
  private readonly options: ExploreOptions;
  private explorer: Explorer;

  constructor(machine: Machine, options: ExploreOptions) {
    this.machine = machine;
    this.options = options;
    this.explorer = this.begin(0);
  }

  /** Explores until all is explored, or so many steps were made since it began. */
  upTo(stepsMax: number): Exploration {
    // To write down the stack of an error that an operation throws costs more than to get there.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    try {
      return this.all(stepsMax);
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  }

  /** From the start again as often as words turn out to be looked at from outside: see looks.ts. */
  private all(stepsMax: number): Exploration {
    for (;;) {
      const done = this.explorer.upTo(stepsMax);
      if (!this.explorer.mustBeginAnew || done.steps >= stepsMax) return done;
      this.machine.restart();
      this.explorer = this.begin(done.steps);
    }
  }

  private begin(steps: number): Explorer {
    const { looks } = this.machine;
    looks.isComplete = true;
    // What is looked at is learnt on the way, and other parts would learn other things.
    const part = looks.isActive ? undefined : this.options.part;
    return new Explorer(this.machine, { ...this.options, part }, steps);
  }
}
