/**
 * The tour: the comparison on one recording of each architecture, then a replay on real threads,
 * and what to try next. Well under a minute.
 */

import { compareVerdict } from '../../report/compare/verdict.js';
import { replayVerdict } from '../../report/replay.js';
import { compareAndPrint, prose, replayAndPrint } from '../commands.js';
import { NO_REPORTS } from '../compare/files.js';
import type { Context, Outcome } from '../shell/context.js';
import type { ExitCode, Verdict } from '../shell/failure.js';
import { findTrace } from '../shell/traces.js';

const COMPARED = ['s390x/mix', 'ppc64le/mm-radix'];
const REPLAYED = 's390x/mix';
const REPLAY = { threads: 2, readers: 2, seed: 1, through: null } as const;

const INTRODUCTION =
  'Page tables smaller than a page share pages; each is freed through RCU, because readers take ' +
  'no lock. ptfrag does that under one set of rules, "common", for s390 and powerpc alike.';

const COMPARISON =
  '1. What real kernels did, recorded table by table, is done again under several designs. Fewer ' +
  'pages are better.';

const THREADS =
  `2. The same on real threads: ${REPLAY.threads} that allocate and free, and ${REPLAY.readers} ` +
  'that read what is live meanwhile.';

/** What to try next: arguments, and what they do. */
const NEXT: readonly (readonly [args: string, what: string])[] = [
  ['compare', 'all recordings of the package'],
  ['compare s390x/mix --gp 10000', 'what if grace periods took 10 ms?'],
  ['replay ppc64le/mm-radix --threads 4 --readers 4', 'more threads, and 256 tables in a page'],
  ['--help', 'all commands'],
];

export async function demo(context: Context, self: string): Promise<ExitCode> {
  const say = (text: string): void => context.print(`${prose(context, [text]).join('\n')}\n`);
  say(INTRODUCTION);
  say(COMPARISON);
  const traces = COMPARED.map((name) => findTrace(name));
  const compare = await compareAndPrint(
    {
      traces,
      designs: ['whole-page'],
      gpUs: null,
      defer: 0,
      seed: 1,
      repeat: 1,
      reports: NO_REPORTS,
    },
    context,
    false,
    (soFar) => ({ compare: soFar }),
  );
  context.print(`${context.marked(compare.verdict, prose(context, compareVerdict(compare)))}\n`);
  context.reached({ compare }, 'compared all, replayed nothing');
  say(THREADS);
  const { file, name } = findTrace(REPLAYED);
  const replay = await replayAndPrint(
    { file, ...REPLAY, design: 'common', sharing: 'mm', geometry: null, pages: null, gpUs: null },
    name,
    context,
    (soFar) => ({ compare, replay: soFar }),
  );
  const ok = compare.ok && replay.ok;
  const verdict: Verdict = ok ? 'holds' : 'violated';
  const document = { command: 'demo', verdict, ok, compare, replay };
  return context.finish(document satisfies Outcome, [...replayVerdict(replay), '', ...next(self)]);
}

function next(self: string): string[] {
  return ['Try next:', ...NEXT.flatMap(([args, what]) => [`  # ${what}`, `  ${self} ${args}`])];
}
