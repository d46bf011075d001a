/** A thread of a replay through page tables: what its `workerData` says. */
import { parentPort, workerData } from 'node:worker_threads';
import type { HeapBuffer } from '../../../core/mem/shared.js';
import { formatNamed } from '../../../core/pgtable/formats/index.js';
import { type Member, type MemberData, serve } from '../../crew/member.js';
import type { PageSamples } from '../../crew/samples.js';
import { openBoard } from './board.js';
import { Collapser } from './collapser.js';
import { SpaceMutator } from './mutator.js';
import { SpaceWalker } from './walker.js';

interface SpaceWorkerData extends MemberData {
  readonly role: 'mutator' | 'reader' | 'collapser';
  readonly board: HeapBuffer;
  readonly format: string;
  readonly mutators: number;
}

const data = workerData as SpaceWorkerData;

function work(member: Member): PageSamples | null {
  const { role, mutators } = data;
  const shared = { board: openBoard(data.board), format: formatNamed(data.format), mutators };
  if (role === 'mutator') return new SpaceMutator(member, shared).run();
  if (role === 'reader') new SpaceWalker(member, shared).run();
  else new Collapser(member, shared).run();
  return null;
}

parentPort?.postMessage(serve(data, work));
