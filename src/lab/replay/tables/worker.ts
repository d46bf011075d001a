/** A thread of a replay of tables: a mutator or a reader, as its `workerData` says. */
import { parentPort, workerData } from 'node:worker_threads';
import type { HeapBuffer } from '../../../core/mem/shared.js';
import { type Member, type MemberData, serve } from '../../crew/member.js';
import type { PageSamples } from '../../crew/samples.js';
import { openBoard } from './board.js';
import { Mutator } from './mutator.js';
import { Walker } from './walker.js';

interface TablesWorkerData extends MemberData {
  readonly role: 'mutator' | 'reader';
  readonly board: HeapBuffer;
}

const data = workerData as TablesWorkerData;

function work(member: Member): PageSamples | null {
  const board = openBoard(data.board);
  if (data.role === 'mutator') return new Mutator(member, board).run();
  new Walker(member, board).run();
  return null;
}

parentPort?.postMessage(serve(data, work));
