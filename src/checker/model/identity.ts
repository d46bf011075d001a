/**
 * Which states are the same: from them the same can happen.
 *
 * All that makes a difference to what comes is put into a row of numbers, and of that a hash of 128
 * bits is kept: among ten million states two that differ have the same one with a probability below
 * 10^-24. What makes no difference is left out: words that no thread has touched, how a thread came
 * to where it is (local.ts), and clocks that everybody has caught up with (race.ts).
 */
import type { LocalStates } from './local.js';
import type { Machine } from './machine.js';
import { FIELD, STATUS } from './state.js';

/** Ends a list. */
const END = -1;

/** Conditions of threads that make no steps, or have made none. */
const GONE: readonly number[] = [STATUS.done, STATUS.dismissed, STATUS.unborn, STATUS.dead];

const LANES = 4;

/** Odd numbers, two for each lane. */
const FACTORS = Int32Array.of(
  ...[0xcc9e2d51, 0x85ebca6b, 0x9e3779b1, 0xc2b2ae35],
  ...[0x1b873593, 0x27d4eb2f, 0x165667b1, 0x2545f491],
);

export class Identity {
  private readonly machine: Machine;
  private readonly locals: LocalStates;
  private readonly ghostWords: number;
  private readonly atStart: Int32Array;
  private readonly hash = new Int32Array(LANES);
  private readonly alive: number[] = [];
  /** Results that threads ended operations with, by text. */
  private readonly results = new Map<string, number>();

  /** To be made where nobody has made a step. */
  constructor(machine: Machine, locals: LocalStates, ghostWords: number) {
    this.machine = machine;
    this.locals = locals;
    this.ghostWords = ghostWords;
    this.atStart = Int32Array.from({ length: machine.words }, (_, at) => machine.state.view(at));
  }

  /** A text for the state that the machine is in, in which nobody has thrown. */
  now(): string {
    this.hash.set(FACTORS.subarray(0, LANES));
    this.alive.length = 0;
    this.takeWords();
    for (let thread = 0; thread < this.machine.threads; thread++) this.takeThread(thread);
    this.takeSleepers();
    const { races, touched } = this.machine.state;
    races.outline(touched, this.alive, this.take);
    return this.text();
  }

  private readonly take = (value: number): void => {
    const { hash } = this;
    for (let lane = 0; lane < LANES; lane++) {
      let mixed = Math.imul((hash[lane] as number) ^ value, FACTORS[lane] as number);
      mixed ^= mixed >>> 15;
      hash[lane] = Math.imul(mixed, FACTORS[LANES + lane] as number) + value;
    }
  };

  private text(): string {
    let text = '';
    for (const lane of this.hash) text += String.fromCharCode(lane & 0xffff, lane >>> 16);
    return text;
  }

  /** Only what is not as it was at the start: it makes no difference when a word was touched. */
  private takeWords(): void {
    const { state } = this.machine;
    for (const word of state.touched) {
      const value = state.view(word);
      if (value === this.atStart[word]) continue;
      this.locals.remember(word, value);
      this.take(word);
      this.take(value);
    }
    this.take(END);
    for (let index = 0; index < this.ghostWords; index++) this.take(state.getGhost(index));
  }

  private takeThread(thread: number): void {
    const { sleepers, state } = this.machine;
    const status = sleepers.status(thread);
    this.take(status);
    this.take(this.numberOf(this.locals.resultsOf(thread)));
    if (GONE.includes(status)) return;
    this.alive.push(thread);
    this.take(this.locals.of(thread));
    this.take(state.getField(thread, FIELD.EARLY));
    if (sleepers.hasDozed) sleepers.outline(thread, this.take);
  }

  private numberOf(results: string): number {
    if (results === '') return 0;
    const number = this.results.get(results) ?? this.results.size + 1;
    this.results.set(results, number);
    return number;
  }

  /** Who sleeps where, the longest first. */
  private takeSleepers(): void {
    const { sleepers } = this.machine;
    for (const thread of this.alive) {
      const status = sleepers.status(thread);
      if (status !== STATUS.asleep && status !== STATUS.dozing) continue;
      this.take(sleepers.wordOf(thread));
      this.take(sleepers.placeInLine(thread));
    }
  }
}
