/** A thread of a torture run: attached, it does turn after turn until all are told to stop. */
import { type AttachedThread, attach, LimitError, type MmId } from '../../api/index.js';
import { Prng } from '../../core/base/prng.js';
import type { Thread } from '../../core/mem/heap.js';
import type { Memory } from '../../core/mem/memory.js';
import { CONTROL, controlWord, openControl } from '../crew/control.js';
import { COUNT, count } from '../crew/counters.js';
import { openBoard } from './board.js';
import type { TortureData, TortureMessage } from './options.js';

/** Who holds a lock may be dead: whoever waits for it waits until it is recovered. */
const LOCK_STALL_MS = 60_000;

/** Turns between two looks whether it is to stop. */
const TURNS = 64;

export abstract class Torturer {
  protected readonly data: TortureData;
  protected readonly board: Memory;
  protected readonly control: Memory;
  protected readonly prng: Prng;
  protected thread: AttachedThread;
  protected core: Thread;
  private readonly post: (message: TortureMessage) => void;
  private hasFound = false;

  constructor(data: TortureData, post: (message: TortureMessage) => void) {
    this.data = data;
    this.post = post;
    this.board = openBoard(data.board);
    this.control = openControl(data.control);
    this.prng = new Prng(data.seed);
    this.thread = this.attach();
    this.core = this.thread.attachment.operations.here();
  }

  protected attach(): AttachedThread {
    const { heap, role, index } = this.data;
    const flavour = role === 'reader' && index % 2 === 1 ? 'qsbr' : 'epoch';
    return attach(heap, { name: `${role} ${index}`, flavour, lockStallMs: LOCK_STALL_MS });
  }

  run(): void {
    const stop = controlWord(CONTROL.STOP);
    this.post({ type: 'at-work' });
    while (this.control.load(stop) === 0) {
      for (let turns = 0; turns < TURNS; turns++) this.turn();
    }
    this.end();
    this.thread.detach();
    this.post({ type: 'ended' });
  }

  protected abstract turn(): void;

  /** Gives back what it has. */
  protected end(): void {}

  /** Leaves the heap and comes back, as another thread. */
  protected attachAgain(): void {
    this.thread.detach();
    this.thread = this.attach();
    this.core = this.thread.attachment.operations.here();
  }

  /** Null where no record of an mm is free just now. */
  protected createMm(): MmId | null {
    try {
      return this.thread.createMm();
    } catch (error) {
      if (!(error instanceof LimitError)) throw error;
      this.count(COUNT.OUT_OF_PAGES);
      return null;
    }
  }

  protected count(field: number, by = 1): void {
    count(this.control, this.data.index, field, by);
  }

  /** Tells the first of what it finds: thousands would say no more. */
  protected found(rule: string, detail: string): void {
    if (this.hasFound) return;
    this.hasFound = true;
    this.post({ type: 'violation', rule, detail });
  }
}
