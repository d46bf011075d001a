/** `ptfrag oracle`: a rule of Linux against what that Linux did. */
import type { OracleDocument } from '../../lab/oracle/ask.js';
import { oracleBlock, oracleHeader, oracleVerdict } from '../../report/oracle.js';
import { countOf } from '../../report/text.js';
import { type Command, defineCommand } from '../shell/command.js';
import type { Context } from '../shell/context.js';
import { anyNumber, text } from '../shell/flags.js';
import { runJob } from '../shell/job.js';
import { bundledForms, traceNotes, tracesAsked } from '../shell/traces.js';
import type { OracleRequest, work } from './work.js';

export const command: Command = defineCommand({
  description:
    "Checks our copies of Linux's rules. Does again what a recorded kernel did, and compares " +
    'where the rule puts each table with where the kernel put it: the page, the fragment, ' +
    'whether it was used before, and why.',
  argument: anyNumber(
    'TRACE',
    'recordings (default: all of the package that fit the rule, in all forms)',
  ),
  flags: {
    design: text('--design <name>', "the rule to check (default: the recorded kernel's own)"),
  },
  notes: traceNotes(),
  run: async (context, { design }, given) => {
    const { fitting } = await import('../shell/fitting.js');
    const ours = fitting(bundledForms(), design === null ? [] : [design]);
    const document = await askAndPrint({ traces: tracesAsked(given, ours), design }, context);
    return context.finish(document, context.prose(oracleVerdict(document)));
  },
});

/** Prints each recording's line when it is done. */
async function askAndPrint(request: OracleRequest, context: Context): Promise<OracleDocument> {
  const { terminal, signal } = context;
  const all = countOf(request.traces.length, 'recording');
  const parts: OracleDocument[] = [];
  context.reached({}, `asked about 0 of ${all}`);
  const document = await runJob<typeof work>('oracle', request, {
    signal,
    onProgress: (progress) => context.progress(progress),
    onPart: (part) => {
      if (parts.length === 0) context.print(terminal.paint('bold', oracleHeader()));
      for (const row of part.rows) context.print(oracleBlock(row, terminal.paint));
      parts.push(part);
      const rows = parts.flatMap((each) => each.rows);
      context.reached({ ...parts[0], rows }, `asked about ${parts.length} of ${all}`);
    },
  });
  context.print('');
  return document;
}
