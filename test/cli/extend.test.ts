/**
 * What a new command takes: its folder, and a line in each of two lists. A toy command is added to
 * a copy of the project by these places alone.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  documentIn,
  type Finished,
  type ProcessOptions,
  ptfragProcess,
} from '../fixtures/command.js';
import { ProjectCopy } from '../fixtures/copy.js';
import { ANNOUNCE, signalAfter } from '../fixtures/signals.js';

const COMMAND = `/** \`ptfrag toy\`: whether words are long enough. */
import { type Command, defineCommand } from '../shell/command.js';
import { oneOrMore, toggle, whole } from '../shell/flags.js';
import { runJob } from '../shell/job.js';
import type { work } from './work.js';

export const command: Command = defineCommand({
  description: 'Says whether words are long enough.',
  argument: oneOrMore('WORD', 'what is measured'),
  flags: {
    letters: whole('--least <n>', 'letters that a word must have', [1, 99]).or(3),
    slow: toggle('--slow', 'wait for a signal behind the last word'),
  },
  run: async (context, flags, words) => {
    const rows: object[] = [];
    const document = await runJob<typeof work>('toy', { ...flags, words }, {
      signal: context.signal,
      onPart: (part) => {
        rows.push(...part.rows);
        for (const { word, letters } of part.rows) context.print(\`\${word} \${letters}\`);
        context.reached({ ...part, rows: [...rows] }, \`measured \${rows.length}\`);
      },
    });
    return context.finish(document, [\`\${document.verdict}: at least \${flags.letters}.\`]);
  },
});
`;

const WORK = `/** The job of \`ptfrag toy\`. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobPort } from '../shell/job.js';

export interface ToyRequest {
  readonly words: readonly string[];
  readonly letters: number;
  readonly slow: boolean;
}

export interface ToyDocument {
  readonly command: 'toy';
  readonly verdict: 'holds' | 'violated';
  readonly ok: boolean;
  readonly rows: readonly { readonly word: string; readonly letters: number }[];
}

export async function work(
  { words, letters: least, slow }: ToyRequest,
  port: JobPort<ToyDocument>,
): Promise<ToyDocument> {
  const rows = words.map((word) => ({ word, letters: word.length }));
  for (const row of rows) port.onPart(documentOf([row], least));
  if (slow) await sleep(60_000, undefined, { signal: port.signal });
  return documentOf(rows, least);
}

function documentOf(rows: ToyDocument['rows'], least: number): ToyDocument {
  const ok = rows.every(({ letters }) => letters >= least);
  return { command: 'toy', verdict: ok ? 'holds' : 'violated', ok, rows };
}
`;

describe('a new command', () => {
  const copy = new ProjectCopy();
  const toy = (line: string, options: ProcessOptions = {}): Promise<Finished> =>
    ptfragProcess(line.split(' '), { ...options, main: copy.main });

  beforeAll(() => {
    copy.write('src/cli/toy/toy.ts', COMMAND);
    copy.write('src/cli/toy/work.ts', WORK);
    const inCommands = "  ['toy', 'measure words', () => import('./toy/toy.js')],";
    const inJobs = "  toy: () => import('./toy/work.js'),";
    copy.addLineBelow('src/cli/commands.ts', "import('./doctor/doctor.js')],", inCommands);
    copy.addLineBelow('src/cli/jobs.ts', "import('./doctor/work.js'),", inJobs);
    copy.build();
  });
  afterAll(() => copy.remove());

  it('is in the help, and has one', async () => {
    expect((await toy('--help')).stdout).toMatch(/^ +toy +measure words$/m);
    const { status, stdout } = await toy('toy --help');
    expect(status).toBe(0);
    expect(stdout).toContain('Usage: ptfrag toy [options] <WORD...>');
    expect(stdout).toMatch(/--least <n> +letters that a word must have \(default: 3\)/);
    expect(stdout).toContain('--json');
  });

  it('runs, and prints rows and a verdict', async () => {
    const run = await toy('toy page table');
    expect(run).toEqual({ status: 0, stdout: 'page 4\ntable 5\nholds: at least 3.\n', stderr: '' });
  });

  it('has a document, and its verdict is the exit code', async () => {
    const run = await toy('toy page table --least 5 --json');
    expect(run.status).toBe(1);
    expect(run.stderr).toMatch(/^again: .* toy page table --least 5\n$/);
    const rows = [
      { word: 'page', letters: 4 },
      { word: 'table', letters: 5 },
    ];
    const document = { schema: 1, command: 'toy', verdict: 'violated', ok: false, rows };
    expect(documentIn(run)).toEqual(document);
  });

  it('refuses what it can not be given', async () => {
    const run = await toy('toy page --least 0');
    expect(run).toMatchObject({ status: 2, stdout: '' });
    expect(run.stderr).toContain('Expected a whole number from 1 to 99.');
  });

  it('keeps what it had when it is interrupted', async () => {
    const started = signalAfter('stdout', 'table', 'SIGINT');
    const run = await toy('toy page table --slow', { node: ANNOUNCE, started });
    expect(run.status).toBe(130);
    expect(run.stderr).toContain('interrupted: measured 2 (stopped by SIGINT)\n');
  });
});
