/** A thread of a replay: a mutator or a reader, as its `workerData` says. */
import { parentPort, workerData } from 'node:worker_threads';
import { openHeap } from '../mem/heap.js';
import { type HeapBuffer, SharedMemory, viewWords } from '../mem/shared.js';
import { attachThread, detachThread } from '../rcu/attach.js';
import { CONTROL, controlWord, openControl } from './control.js';
import { Mutator, type PageSamples } from './mutator.js';
import { AnotherFailed } from './ring.js';
import { Walker } from './walker.js';

export interface ReplayWorkerData {
  readonly heap: HeapBuffer;
  readonly heapWords: number;
  readonly control: HeapBuffer;
  readonly role: 'mutator' | 'reader';
  /** Number of the thread among all of the replay; mutators come first. */
  readonly index: number;
  readonly flavour: 'epoch' | 'qsbr';
  readonly seed: number;
}

export interface ReplayFailure {
  readonly name: string;
  readonly rule: string | null;
  readonly message: string;
}

/** What a thread says at its end. */
export interface ReplayEnd {
  readonly failure: ReplayFailure | null;
  readonly pages: PageSamples | null;
}

function run(data: ReplayWorkerData): ReplayEnd {
  const control = openControl(data.control);
  try {
    const heap = openHeap(new SharedMemory(viewWords(data.heap, 0, data.heapWords), true));
    const thread = attachThread(heap, data.flavour);
    let pages: PageSamples | null = null;
    if (data.role === 'mutator') pages = new Mutator(thread, control, data.index).run();
    else new Walker(thread, control, data.index, data.seed).run();
    detachThread(thread);
    return { failure: null, pages };
  } catch (error) {
    control.store(controlWord(CONTROL.FAILED), 1);
    control.notify(controlWord(CONTROL.FAILED));
    if (error instanceof AnotherFailed) return { failure: null, pages: null };
    const { name, message } = error as Error;
    const rule = 'rule' in (error as object) ? String((error as { rule: unknown }).rule) : null;
    return { failure: { name, rule, message }, pages: null };
  }
}

parentPort?.postMessage(run(workerData as ReplayWorkerData));
