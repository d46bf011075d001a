/** Judging executions as they are explored, and what whoever waits is told meanwhile. */
import { hiddenIn } from './confirm.js';
import { type Ending, endingOf } from './ending.js';
import type { Step } from './explore.js';
import { keptOut } from './kept-out.js';
import type { Scenario } from './scenario.js';
import type { Search } from './search.js';
import type { Stagehand } from './stagehand.js';
import { walk } from './walk.js';

/** What whoever waits is told, and how it stops the check. */
export interface Watch {
  /**
   * Stops it: `check` throws the signal's reason. It is synchronous, so nothing but `onProgress`
   * can abort meanwhile.
   */
  readonly signal?: AbortSignal | undefined;
  /** Called now and then with how far it has got. */
  readonly onProgress?: ((progress: CheckProgress) => void) | undefined;
}

/** How far a check has got. */
export interface CheckProgress {
  /** Executions that were explored to their end. */
  readonly executions: number;
  /** States that were met, while they are explored one by one; else 0. */
  readonly states: number;
}

/** Executions between two calls of `onProgress`, and looks at the signal. */
const PROGRESS_EXECUTIONS = 256;

/** Of executions that break no rule, the first, the 256th and so on are done again. */
const CONFIRM_RATIO = 256;

const UNCLEAR = 'states: a loop goes round, and may come to an end that is too far away';

/** Judges executions; some of those that break no rule twice: see confirm.ts. */
export class Judge {
  readonly stagehand: Stagehand;
  readonly scenario: Scenario;
  private readonly watch: Watch;
  /** Executions of explorations before this one. */
  private readonly before: number;
  private executions = 0;
  private states = 0;
  private nextConfirmed = 1;

  constructor(scenario: Scenario, stagehand: Stagehand, watch: Watch, before: number) {
    this.scenario = scenario;
    this.stagehand = stagehand;
    this.watch = watch;
    this.before = before;
  }

  get isFound(): boolean {
    return this.stagehand.found !== null;
  }

  /** An execution has ended; true: enough was seen. */
  readonly onEnd = (ending: Ending, steps: () => Step[]): boolean => {
    const { scenario, stagehand } = this;
    if (stagehand.judge(ending, steps)) return true;
    this.executions++;
    if (this.executions % PROGRESS_EXECUTIONS === 0) this.tell();
    if (this.executions < this.nextConfirmed) return false;
    this.nextConfirmed *= CONFIRM_RATIO;
    stagehand.found = hiddenIn(scenario, stagehand, steps());
    return stagehand.found !== null;
  };

  /** So many states were met. */
  readonly onStates = (states: number): void => {
    this.states = states;
    this.tell();
  };

  /** After a search that has met all states. */
  askWhoIsKeptOut(done: Search, asksForStarvation: boolean): Search {
    if (this.isFound) return done;
    const out = keptOut(this.scenario, done, asksForStarvation);
    if (out === 'unclear') return { ...done, complete: false, bound: UNCLEAR };
    this.stagehand.found = out;
    return done;
  }

  /** A shorter way to the end that was found. */
  shorten(way: readonly number[]): void {
    const { stagehand } = this;
    const { machine, found } = stagehand;
    if (found === null) return;
    machine.restart();
    const steps = walk(machine, way);
    const isSame = endingOf(machine).kind === 'failed' || machine.sleepers.enabledThreads() === 0;
    if (isSame) stagehand.found = { ...found, steps };
    // Else two states were taken for one that are not the same.
    else {
      machine.restart();
      walk(
        machine,
        found.steps.map(({ thread }) => thread),
      );
    }
  }

  private tell(): void {
    const { onProgress, signal } = this.watch;
    onProgress?.({ executions: this.before + this.executions, states: this.states });
    signal?.throwIfAborted();
  }
}
