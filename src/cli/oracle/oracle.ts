/** What `ptfrag oracle` does, from its request to its exit code. */

import { oracleBlock, oracleHeader, oracleVerdict } from '../../report/oracle.js';
import { countOf } from '../../report/text.js';
import { prose } from '../commands.js';
import type { Context } from '../shell/context.js';
import type { ExitCode } from '../shell/failure.js';
import { type OracleRequest, runJob } from '../shell/job.js';

/** Prints each recording's line when it is done. */
export async function oracle(request: OracleRequest, context: Context): Promise<ExitCode> {
  const { terminal, signal } = context;
  const words = (count: number): string =>
    `asked about ${count} of ${countOf(request.traces.length, 'recording')}`;
  context.reached({}, words(0));
  context.print(terminal.paint('bold', oracleHeader()));
  const document = await runJob('oracle', request, {
    signal,
    onProgress: (progress) => context.progress(progress),
    onSoFar: (soFar) => {
      const { rows } = soFar;
      for (const row of rows.slice(-1)) context.print(oracleBlock(row, terminal.paint));
      context.reached(soFar, words(rows.length));
    },
  });
  context.print('');
  return context.finish(document, prose(context, oracleVerdict(document)));
}
