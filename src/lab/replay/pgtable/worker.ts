/** A thread of a replay through page tables: what its `workerData` says. */
import { parentPort, workerData } from 'node:worker_threads';
import { openHeap } from '../../../core/mem/heap.js';
import { type HeapBuffer, SharedMemory, viewWords } from '../../../core/mem/shared.js';
import { formatNamed } from '../../../core/pgtable/formats/index.js';
import { attachThread, detachThread } from '../../../core/rcu/attach.js';
import { openControl } from '../../crew/control.js';
import { endOfFailed, type ThreadEnd } from '../../crew/crew.js';
import type { PageSamples } from '../../crew/performer.js';
import { openBoard } from './board.js';
import { Collapser } from './collapser.js';
import { SpaceMutator } from './mutator.js';
import { SpaceWalker } from './walker.js';

export interface SpaceWorkerData {
  readonly heap: HeapBuffer;
  readonly heapWords: number;
  readonly control: HeapBuffer;
  readonly board: HeapBuffer;
  readonly format: string;
  readonly role: 'mutator' | 'reader' | 'collapser';
  /** Number of the thread among all of the replay; mutators come first. */
  readonly index: number;
  readonly mutators: number;
  readonly flavour: 'epoch' | 'qsbr';
  readonly seed: number;
}

function run(data: SpaceWorkerData): ThreadEnd {
  const control = openControl(data.control);
  try {
    const board = openBoard(data.board);
    const format = formatNamed(data.format);
    const heap = openHeap(new SharedMemory(viewWords(data.heap, 0, data.heapWords), true));
    const thread = attachThread(heap, data.flavour);
    let pages: PageSamples | null = null;
    if (data.role === 'mutator') {
      pages = new SpaceMutator(thread, control, board, format, data.index).run();
    } else if (data.role === 'reader') new SpaceWalker(thread, control, board, format, data).run();
    else new Collapser(thread, control, board, format, data).run();
    detachThread(thread);
    return { failure: null, pages };
  } catch (error) {
    return endOfFailed(control, error);
  }
}

parentPort?.postMessage(run(workerData as SpaceWorkerData));
