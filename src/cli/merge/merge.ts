/** `ptfrag merge`: one result from those of the shards of a check. */
import { type Command, defineCommand } from '../shell/command.js';
import { oneOrMore } from '../shell/flags.js';
import { runJob } from '../shell/job.js';
import type { work } from './work.js';

export const command: Command = defineCommand({
  description:
    'Joins the results of a check that was run in parts. Each file has what ' +
    '`check --shard i/n --json` printed for one part. Says what the whole check would have said; ' +
    'refuses files that do not belong together.',
  argument: oneOrMore('FILE', 'JSON documents of check, one for each part'),
  flags: {},
  run: async (context, _flags, files) => {
    const document = await runJob<typeof work>('merge', files, { signal: context.signal });
    const { showMerged } = await import('../check/show.js');
    return showMerged(document, context);
  },
});
