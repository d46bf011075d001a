/** A failure as text: the rule, the schedule, and a column for each thread. Made of data alone. */
import type { Failure, Interleaving, NamedStep } from './interleaving.js';

const COLUMN_MIN = 24;

/** That of `exchange`. */
const VERB_WIDTH = 8;

/** Lines of a report, without colours. The schedule is what `replay` takes to get there again. */
export function formatFailure({ name }: { readonly name: string }, failure: Failure): string[] {
  return [headline(failure), ...formatInterleaving(name, failure)];
}

/** The rule and what was found, about which word. */
function headline({ rule, detail, word }: Failure): string {
  const found = word === null ? detail : `${word.name}: ${detail}`;
  return /^[A-Z]\d+$/.test(rule) ? `${rule} does not hold: ${found}` : `${rule}: ${found}`;
}

/** What was done, by whom, in lines. */
export function formatInterleaving(scenario: string, told: Interleaving): string[] {
  const lines = [`scenario  ${scenario}`];
  // A failure without a schedule: setting up failed, or something was never seen on any schedule.
  if (told.schedule !== '') lines.push(`schedule  ${told.schedule}`);
  return told.steps.length === 0 ? lines : [...lines, '', ...formatColumns(told)];
}

/** One line a step, in the column of its thread, up to the step that broke the rule. */
function formatColumns({ steps, threads, brokenAt }: Interleaving): string[] {
  const shown = brokenAt === null ? steps : steps.slice(0, brokenAt + 1);
  const cells = shown.map(formatStep);
  const widths = threads.map((name, thread) => {
    const own = cells.filter((_, at) => shown[at]?.thread === thread).map((cell) => cell.length);
    return Math.max(COLUMN_MIN, name.length, ...own) + 2;
  });
  const indents = widths.map((_, thread) => widths.slice(0, thread).reduce((a, b) => a + b, 0));
  const header = threads.map((name, thread) => name.padEnd(widths[thread] as number)).join('');
  const lines = [header.trimEnd(), widths.map((width) => '-'.repeat(width - 2)).join('  ')];
  shown.forEach(({ thread }, at) => {
    lines.push(' '.repeat(indents[thread] as number) + (cells[at] as string));
  });
  const left = steps.length - shown.length;
  if (left > 0) lines.push('', `and ${left} more, by which the other threads are told`);
  return lines;
}

function formatStep(step: NamedStep): string {
  if (step.verb === 'wake') return 'looks again';
  const verb = step.verb === 'awaitBriefly' ? 'awaitChange' : step.verb;
  return `${verb.padEnd(VERB_WIDTH)} ${step.word.name} ${effectOf(step)}`.trimEnd();
}

/** What an operator makes of the word and the operand. */
const OPERATORS: Readonly<Record<string, string>> = { add: '+', and: '&', or: '|', xor: '^' };

function effectOf({ verb, value, expected, found, count }: NamedStep): string {
  const [wrote, wanted, was] = [value?.text ?? '', expected?.text ?? '', found?.text ?? ''];
  const isAsExpected = found?.number === expected?.number;
  switch (verb) {
    case 'load':
    case 'peek':
      return `= ${was}`;
    case 'store':
    case 'poke':
      return `:= ${wrote}`;
    case 'fill':
      return `and ${count - 1} more := ${wrote}`;
    case 'copy':
      return `and ${count - 1} more, from elsewhere`;
    case 'cas':
      return isAsExpected ? `${wanted} -> ${wrote}` : `failed, found ${was}`;
    case 'exchange':
      return `${was} -> ${wrote}`;
    case 'awaitChange':
      return isAsExpected ? 'sleeps' : `= ${was}, goes on`;
    case 'awaitBriefly':
      return isAsExpected ? 'sleeps, for a while' : `= ${was}, goes on`;
    case 'notify':
    case 'wake':
      return '';
    default:
      return `${was} ${OPERATORS[verb]} ${wrote}`;
  }
}
