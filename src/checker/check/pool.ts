/** Several threads that explore scenarios side by side. */
import { rmSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { InvariantError } from '../../core/base/errors.js';
import { notExplored } from '../model/check.js';
import type { Mutant } from '../model/mutant.js';
import { designOf, scenarioNamed } from '../proof/catalogue.js';
import { type Build, type Planted, plantMutant, readBuild } from './plant.js';
import type { CheckAnswer, CheckTask } from './worker.js';

const WORKER = new URL('./worker.js', import.meta.url);

/** A task; with a mutant, in a copy of this build that has it. */
export interface PoolTask {
  readonly task: CheckTask;
  readonly mutant?: Mutant;
}

export interface PoolOptions {
  readonly jobs: number;
  /** The folder for copies of the build; whoever names it removes it. */
  readonly copies: string;
  readonly signal: AbortSignal;
  /** Answers come in whatever order they are ready. */
  readonly onAnswer: (task: PoolTask, answer: CheckAnswer) => void;
}

/** Runs all tasks, `jobs` at a time. */
export async function runPool(tasks: readonly PoolTask[], options: PoolOptions): Promise<void> {
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  // All lanes take from one iterator: what one has taken, no other gets.
  const queue = tasks.values();
  const lanes = Array.from({ length: Math.min(options.jobs, tasks.length) }, () =>
    new Lane(signal, options.copies)
      .run(queue, options.onAnswer)
      .catch((error: unknown) => failed.abort(error)),
  );
  // Every lane has cleaned up before this ends, with the error of the first that failed.
  await Promise.all(lanes);
  signal.throwIfAborted();
}

/** Does one task after the other, in one thread: its checker is warm for all but the first. */
class Lane {
  private readonly signal: AbortSignal;
  private readonly copies: string;
  private worker: Worker | null = null;
  private build: Build | null = null;

  constructor(signal: AbortSignal, copies: string) {
    this.signal = signal;
    this.copies = copies;
  }

  async run(queue: Iterable<PoolTask>, onAnswer: PoolOptions['onAnswer']): Promise<void> {
    try {
      for (const next of queue) {
        this.signal.throwIfAborted();
        onAnswer(next, await this.answer(next));
      }
    } finally {
      await this.worker?.terminate();
    }
  }

  private answer({ task, mutant }: PoolTask): Promise<CheckAnswer> {
    return mutant === undefined ? this.ask(task) : this.askMutant(mutant, task);
  }

  /** Planted only now: the first scenario is not kept waiting for copies of the last mutant. */
  private async askMutant(mutant: Mutant, task: CheckTask): Promise<CheckAnswer> {
    this.build ??= readBuild();
    let planted: Planted;
    try {
      planted = plantMutant(mutant, this.copies, this.build);
    } catch (error) {
      return staleMutant(mutant, error);
    }
    try {
      return await this.ask({ ...task, catalogue: planted.catalogue.href });
    } finally {
      rmSync(planted.folder, { recursive: true, force: true });
    }
  }

  private ask(task: CheckTask): Promise<CheckAnswer> {
    this.worker ??= new Worker(WORKER);
    return ask(this.worker, task, this.signal);
  }
}

/** A patch whose text is not there any more: one row that says so, and the others are explored. */
function staleMutant({ scenario: name }: Mutant, error: unknown): CheckAnswer {
  const { rule, found } = error as InvariantError;
  if (rule !== 'mutant') throw error;
  const scenario = scenarioNamed(name);
  const facts = { design: designOf(scenario), rules: scenario.rules, seconds: 0 };
  return { ...notExplored(scenario, rule, found), ...facts };
}

function ask(worker: Worker, task: CheckTask, signal: AbortSignal): Promise<CheckAnswer> {
  return new Promise((resolve, reject) => {
    const settled = new AbortController();
    const finish = (settle: () => void): void => {
      settled.abort();
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      settle();
    };
    const onMessage = (answer: CheckAnswer): void => finish(() => resolve(answer));
    const onError = (error: Error): void => finish(() => reject(error));
    const message = `a thread ended while it explored ${task.scenario}`;
    const onExit = (): void => finish(() => reject(new Error(message)));
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
    const stop = (): void => finish(() => reject(signal.reason as Error));
    signal.addEventListener('abort', stop, { signal: settled.signal });
    worker.postMessage(task);
  });
}
