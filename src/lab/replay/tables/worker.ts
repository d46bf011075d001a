/** A thread of a replay: a mutator or a reader, as its `workerData` says. */
import { parentPort, workerData } from 'node:worker_threads';
import { openHeap } from '../../../core/mem/heap.js';
import { type HeapBuffer, SharedMemory, viewWords } from '../../../core/mem/shared.js';
import { attachThread, detachThread } from '../../../core/rcu/attach.js';
import { openControl } from '../../crew/control.js';
import { endOfFailed, type ThreadEnd } from '../../crew/crew.js';
import type { PageSamples } from '../../crew/performer.js';
import { Mutator } from './mutator.js';
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

function run(data: ReplayWorkerData): ThreadEnd {
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
    return endOfFailed(control, error);
  }
}

parentPort?.postMessage(run(workerData as ReplayWorkerData));
