/**
 * A thread of a crew that has no tasks: it goes where it likes, turn after turn, until the
 * dispatcher says stop. Readers are such, and whoever changes things on its own account.
 */
import { Prng } from '../../core/base/prng.js';
import type { Thread } from '../../core/mem/heap.js';
import type { Memory } from '../../core/mem/memory.js';
import { CONTROL, controlWord } from './control.js';
import { count } from './counters.js';
import type { Member } from './member.js';
import { dwell, type Pause } from './pause.js';

export abstract class Roamer {
  protected readonly thread: Thread;
  protected readonly control: Memory;
  protected readonly prng: Prng;
  private readonly index: number;
  private readonly pause: Pause;
  private hasMet = false;

  constructor({ thread, control, index, seed }: Member, pause: Pause) {
    this.thread = thread;
    this.control = control;
    this.prng = new Prng(seed);
    this.index = index;
    this.pause = pause;
  }

  run(): void {
    const stop = controlWord(CONTROL.STOP);
    while (this.control.load(stop) === 0) this.turn();
  }

  protected abstract turn(): void;

  /** Says, once, that it has met what the performers do: see `awaitRoamers`. */
  protected met(): void {
    if (this.hasMet) return;
    this.hasMet = true;
    this.control.add(controlWord(CONTROL.MET), 1);
    this.control.notify(controlWord(CONTROL.MET));
  }

  protected count(field: number, by = 1): void {
    count(this.control, this.index, field, by);
  }

  protected dwell(): void {
    dwell(this.control, this.prng, this.pause);
  }
}
