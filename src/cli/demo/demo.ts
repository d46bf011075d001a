/**
 * The tour: the comparison on one recording of each architecture, then a replay on real threads,
 * and what to try next. Well under a minute.
 */

import { compareVerdict } from '../../report/compare/verdict.js';
import { replayVerdict } from '../../report/replay.js';
import { compareAndPrint } from '../compare/compare.js';
import { replayAndPrint } from '../replay/replay.js';
import { selfCommand } from '../shell/again.js';
import { type Command, defineCommand } from '../shell/command.js';
import { findTrace } from '../shell/traces.js';

const COMPARE = {
  traces: ['s390x/mix', 'ppc64le/mm-radix'].map(findTrace),
  designs: [],
  reports: null,
};
const REPLAYED = 's390x/mix';
const REPLAY = {
  way: 'tables',
  threads: 2,
  readers: 2,
  sharing: 'mm',
  geometry: null,
  seed: 1,
  pages: null,
} as const;

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

export const command: Command = defineCommand({
  description:
    'Shows what ptfrag is about: compares designs on recordings of two real kernels, then does ' +
    'what one of them says on real threads.',
  flags: {},
  run: async (context) => {
    const say = (text: string): void => context.print(`${context.prose([text]).join('\n')}\n`);
    say(INTRODUCTION);
    say(COMPARISON);
    const compare = await compareAndPrint(COMPARE, context, {
      keep: (soFar) => ({ compare: soFar }),
    });
    context.print(`${context.marked(compare.verdict, context.prose(compareVerdict(compare)))}\n`);
    context.reached({ compare }, 'compared all, replayed nothing');
    say(THREADS);
    const { file, name } = findTrace(REPLAYED);
    const replay = await replayAndPrint({ ...REPLAY, file }, name, context, (soFar) => {
      return { compare, replay: soFar };
    });
    const ok = compare.ok && replay.ok;
    const verdict = ok ? 'holds' : 'violated';
    const document = { command: 'demo', verdict, ok, compare, replay } as const;
    return context.finish(document, [...replayVerdict(replay), '', ...next(selfCommand())]);
  },
});

function next(self: string): string[] {
  return ['Try next:', ...NEXT.flatMap(([args, what]) => [`  # ${what}`, `  ${self} ${args}`])];
}
