/** `ptfrag torture`: real threads without mercy, and what of it held. */
import { ENTRY_FORMATS } from '../../core/pgtable/formats/index.js';
import { tortureReport, tortureVerdict } from '../../report/torture.js';
import { type Command, defineCommand } from '../shell/command.js';
import { choice, fraction, rate, text, whole } from '../shell/flags.js';
import { runJob } from '../shell/job.js';
import { withScratchFolder } from '../shell/scratch-folder.js';
import type { work } from './work.js';

const THREADS_MAX = 32;

export const command: Command = defineCommand({
  description:
    'Lets real threads loose on one heap: they allocate, free, map, unmap, fork and exit, leave ' +
    'and come back, while readers look how long ago what they read was freed; some are killed ' +
    'in the middle of what they do and recovered by others, and for a share of the time there ' +
    'is no page left. In the end every page must be back.',
  flags: {
    seconds: whole('--seconds <n>', 'how long', [1, 86_400]).or(10),
    threads: whole('--threads <n>', 'threads that change things', [2, THREADS_MAX]).or(4),
    readers: whole('--readers <n>', 'threads that read', [0, THREADS_MAX]).or(2),
    kill: rate('--kill <rate>', 'threads to be killed per second, as 5 or 5/s', 20).or(2),
    oom: fraction('--oom <share>', 'share of the time without a free page', {
      most: 0.9,
      what: 'share',
    }).or(0.01),
    geometry: choice('--geometry <name>', 'layout of page tables', Object.keys(ENTRY_FORMATS)).or(
      's390',
    ),
    sharing: choice('--sharing <with>', 'which tables share pages: those of one mm, or all', [
      'mm',
      'all',
    ]).or('mm'),
    break: text('--break <mutant>', 'break one safeguard first: it must be found'),
    seed: whole('--seed <n>', 'random seed, for what is left to chance', [0, 2 ** 32 - 1]).or(1),
  },
  repeatedWith: ({ seed }) => ({ '--seed': seed }),
  run: async (context, asked) => {
    const { terminal, signal } = context;
    const { break: mutant, ...rest } = asked;
    const document = await withScratchFolder((folder) =>
      runJob<typeof work>(
        'torture',
        { ...rest, mutant, folder },
        {
          signal,
          onProgress: (progress) => {
            context.progress(progress);
            context.reached(progress.counts, progress.what);
          },
        },
      ),
    );
    context.print(`${tortureReport(document, terminal.paint)}\n`);
    return context.finish(document, context.prose(tortureVerdict(document)));
  },
});
