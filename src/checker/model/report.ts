/**
 * A failure as text: the rule, the schedule, and a column for each thread. Made of data alone.
 *
 * Where the columns side by side are wider than what shows them, they are moved together: each line
 * begins in its thread's column, and goes on under the next. No line is another thread's too, so
 * nothing is hidden.
 */
import type { Failure, Interleaving, NamedStep } from './interleaving.js';
import { requireFailure } from './judge.js';
import { placeOf } from './origin.js';

/** Of a terminal that doesn't say how wide it is. */
const COLUMNS_DEFAULT = 80;

const COLUMN_MIN = 24;
const GAP = 2;

/** That of `exchange`. */
const VERB_WIDTH = 8;

/**
 * Lines of a report, without colours, for `columns` letters a line. The schedule is what `replay`
 * takes to get there again.
 */
export function formatFailure(
  { name }: { readonly name: string },
  failure: Failure,
  columns: number = COLUMNS_DEFAULT,
): string[] {
  requireFailure(failure, columns);
  const place = placeOf(failure.stack ?? null);
  const thrown = place === null ? [] : [`thrown at ${place}`];
  return [headline(failure), ...thrown, ...formatInterleaving(name, failure, columns)];
}

/** The rule, who found it broken, and what was found about which word. */
function headline({ rule, detail, thread, threads, word }: Failure): string {
  // The detail of a race names both its threads.
  const who = thread === null || rule === 'race' ? [] : [threads[thread] as string];
  const found = [...who, ...(word === null ? [] : [word.name]), detail].join(': ');
  return /^[A-Z]\d+$/.test(rule) ? `${rule} does not hold: ${found}` : `${rule}: ${found}`;
}

/** What was done, by whom, in lines. */
export function formatInterleaving(
  scenario: string,
  told: Interleaving,
  columns: number = COLUMNS_DEFAULT,
): string[] {
  requireFailure(told, columns);
  const lines = [`scenario  ${scenario}`];
  // A failure without a schedule: setting up failed, or something was never seen on any schedule.
  if (told.schedule !== '') lines.push(`schedule  ${told.schedule}`);
  return told.steps.length === 0 ? lines : [...lines, '', ...formatColumns(told, columns)];
}

/** Above the steps that lead back to where they began. */
const AGAIN = '-- again and again --';

/** One line a step, in the column of its thread, up to the step that broke the rule. */
function formatColumns(told: Interleaving, columns: number): string[] {
  const { steps, threads, brokenAt, againFrom } = told;
  const shown = brokenAt === null ? steps : steps.slice(0, brokenAt + 1);
  const cells = shown.map(formatStep);
  const longest = threads.map((_, thread) =>
    Math.max(
      0,
      ...cells.filter((_, at) => shown[at]?.thread === thread).map(({ length }) => length),
    ),
  );
  const widths = widthsOf(threads, longest, columns);
  const indents = widths.map((_, thread) => widths.slice(0, thread).reduce((a, b) => a + b, 0));
  const header = threads.map((name, thread) => name.padEnd(widths[thread] as number)).join('');
  const rule = widths.map((width) => '-'.repeat(width - GAP)).join(' '.repeat(GAP));
  const lines = shown.map(({ thread }, at) => ' '.repeat(indents[thread] as number) + cells[at]);
  if (againFrom !== null) lines.splice(againFrom, 0, AGAIN);
  const left = steps.length - shown.length;
  const rest = left > 0 ? ['', `and ${left} more, by which the other threads are told`] : [];
  return [header.trimEnd(), rule, ...lines, ...rest];
}

/** How wide each thread's column is, with the gap to the next. */
function widthsOf(
  threads: readonly string[],
  longest: readonly number[],
  columns: number,
): readonly number[] {
  const heads = threads.map(({ length }) => length + GAP);
  const apart = heads.map((head, thread) =>
    Math.max(COLUMN_MIN + GAP, head, (longest[thread] as number) + GAP),
  );
  if (apart.reduce((a, b) => a + b, -GAP) <= columns) return apart;
  // Every thread's column begins early enough for its heading and its longest line.
  const needed = threads.map(({ length }, thread) => Math.max(length, longest[thread] as number));
  const steps = needed.slice(1).map((length, at) => Math.floor((columns - length) / (at + 1)));
  const together = Math.max(...heads, Math.min(...steps));
  return apart.map((width, thread) => {
    const left = Math.max(heads[thread] as number, columns + GAP - thread * together);
    return Math.min(width, together, left);
  });
}

function formatStep(step: NamedStep): string {
  const verb = SHORT_VERBS[step.verb] ?? step.verb;
  return `${verb.padEnd(VERB_WIDTH)} ${step.word.name} ${effectOf(step)}`.trimEnd();
}

/** What fits the column of verbs, for those that do not. */
const SHORT_VERBS: Readonly<Partial<Record<NamedStep['verb'], string>>> = Object.freeze({
  awaitChange: 'wait',
  awaitBriefly: 'wait',
});

function effectOf({ verb, value, expected, found, count }: NamedStep): string {
  const [wrote, wanted, was] = [value?.text ?? '', expected?.text ?? '', found?.text ?? ''];
  const isAsExpected = found?.number === expected?.number;
  switch (verb) {
    case 'load':
    case 'glance':
    case 'peek':
      return `= ${was}`;
    case 'store':
    case 'poke':
      return `:= ${wrote}`;
    case 'fill':
      return `${moreOf(count)}:= ${wrote}`;
    case 'copy':
      return `${moreOf(count)}from elsewhere`;
    case 'cas':
      return isAsExpected ? `${wanted} -> ${wrote}` : `failed, found ${was}`;
    case 'awaitChange':
      return isAsExpected ? 'sleeps' : `= ${was}, goes on`;
    case 'awaitBriefly':
      return isAsExpected ? 'sleeps, for a while' : `= ${was}, goes on`;
    case 'wake':
      return 'by itself';
    case 'notify':
    case 'kill':
      return '';
    default:
      return `${was} -> ${wrote}`;
  }
}

function moreOf(count: number): string {
  return count === 1 ? '' : `and ${count - 1} more `;
}
