/** `ptfrag replay`: one design on real threads, all rules checked. */
import { GEOMETRIES } from '../../core/pgtable/geometry.js';
import type { ReplayDocument } from '../../lab/replay/document.js';
import { replayReport, replayVerdict } from '../../report/replay.js';
import { type Command, defineCommand } from '../shell/command.js';
import type { Context } from '../shell/context.js';
import { choice, one, text, whole } from '../shell/flags.js';
import { runJob } from '../shell/job.js';
import { findTrace, traceNotes } from '../shell/traces.js';
import { chooseReplay, type ReplayRequest } from './choose.js';
import type { work } from './work.js';

const THREADS_MAX = 64;

export const command: Command = defineCommand({
  description:
    'Does what a recording says on real threads, while other threads read, and checks every ' +
    "rule. With --threads 1 all is done in the recording's own order and time, and the figures " +
    'are those of compare. With --through pgtable page tables are used as the recorded processes ' +
    'used theirs: by page faults, unmaps, forks and exits.',
  argument: one('TRACE', 'a recording'),
  flags: {
    threads: whole('--threads <n>', 'threads that allocate and free tables', [1, THREADS_MAX]).or(
      2,
    ),
    readers: whole(
      '--readers <n>',
      'threads that read meanwhile (default: 2; with --threads 1 none)',
      [0, THREADS_MAX],
    ),
    through: choice('--through <what>', 'do what processes did, with page tables', ['pgtable']),
    design: text('--design <name>', 'the design; other than common only with --threads 1').or(
      'common',
    ),
    sharing: choice('--sharing <with>', 'which tables share pages: those of one mm, or all', [
      'mm',
      'all',
    ]).or('mm'),
    geometry: choice(
      '--geometry <name>',
      "layout of page tables (default: the recording's)",
      Object.keys(GEOMETRIES),
    ),
    seed: whole('--seed <n>', 'random seed, for what is left to chance', [0, 2 ** 32 - 1]).or(1),
    pages: whole('--pages <n>', 'pages in the heap (default: plenty)', [1, 2 ** 24]),
    gpUs: whole('--gp <us>', 'microseconds in a grace period; only with --threads 1', [1, 1e9]),
  },
  notes: traceNotes(),
  repeatedWith: ({ seed }) => ({ '--seed': seed }),
  run: async (context, asked, given) => {
    const { file, name } = findTrace(given);
    const document = await replayAndPrint(chooseReplay({ ...asked, file }), name, context);
    return context.finish(document, context.prose(replayVerdict(document)));
  },
});

/** `keep` says where the counts so far go in the document of an interrupted command. */
export async function replayAndPrint(
  request: ReplayRequest,
  name: string,
  context: Context,
  keep: (soFar: object) => object = (soFar) => soFar,
): Promise<ReplayDocument> {
  const { terminal, signal } = context;
  const document = await runJob<typeof work>('replay', request, {
    signal,
    onProgress: (progress) => {
      context.progress({ ...progress, what: `${name}  ${progress.what}` });
      context.reached(keep(progress.counts), `replayed ${progress.what} of ${name}`);
    },
  });
  context.print(`${replayReport(document, name, terminal.paint)}\n`);
  // A recording of the package has a name; where it lies differs from machine to machine.
  return { ...document, trace: { ...document.trace, file: name } };
}
