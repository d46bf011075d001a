/** `ptfrag doctor`: what this machine supports, for people. */
import { countOf } from '../../report/text.js';
import { type Command, defineCommand } from '../shell/command.js';
import { runJob } from '../shell/job.js';
import type { DoctorDocument, work } from './work.js';

export const command: Command = defineCommand({
  description:
    'Tries out what ptfrag needs of this machine: shared memory, threads that can sleep while ' +
    'they wait, and room for a heap.',
  flags: {},
  run: async (context) => {
    const document = await runJob<typeof work>('doctor', null, { signal: context.signal });
    context.print(`${doctorReport(document)}\n`);
    return context.finish(document, [doctorVerdict(document)]);
  },
});

/** The document for people, without its verdict. */
function doctorReport({ checks, node, platform, cores }: DoctorDocument): string {
  const nameWidth = Math.max(...checks.map(({ name }) => name.length));
  const foundWidth = Math.max(...checks.map(({ found }) => found.length));
  const lines = checks.map(({ name, ok, found, needed, note }) => {
    const state = ok ? 'ok     ' : needed ? 'MISSING' : 'without';
    return `${state}  ${name.padEnd(nameWidth)}  ${found.padStart(foundWidth)}  ${note}`;
  });
  return [`Node ${node}, ${platform}, ${countOf(cores, 'core')}`, '', ...lines].join('\n');
}

function doctorVerdict({ ok, checks }: DoctorDocument): string {
  if (!ok) return 'violated: ptfrag can not run here; see what is MISSING';
  const without = checks.filter((check) => !check.ok).map(({ name }) => name);
  if (without.length === 0) return 'holds: everything runs here';
  return `holds: ptfrag runs here, without: ${without.join(', ')}`;
}
