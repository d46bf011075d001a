/** A failure for people: the rule, the schedule, threads as columns, and words by name. */
import type { Word } from '../../core/base/units.js';
import { ACCESS, type Access, accessName } from './access.js';
import { type Failure, type Replay, Stagehand } from './check.js';
import type { Step } from './explore.js';
import type { Scenario, Setup } from './scenario.js';

const COLUMN_MIN = 24;

/** That of `exchange`. */
const VERB_WIDTH = 8;

/** Lines of a report, without colours. The schedule is what `replay` takes to get there again. */
export function formatFailure(scenario: Scenario, failure: Failure): string[] {
  const { schedule, steps } = failure;
  const lines = [headline(scenario, failure), `scenario  ${scenario.name}`];
  // A failure without one: setting up fails, or something was never seen on any schedule.
  if (schedule !== '') lines.push(`schedule  ${schedule}`);
  return [...lines, ...formatSteps(scenario, steps)];
}

/** The rule and what was found, with the names of words; an error of ours names its rule again. */
function headline(scenario: Scenario, { rule, detail }: Failure): string {
  const { setup } = namesOf(scenario);
  const found = detail
    .replace(`${rule} does not hold: `, '')
    .replace(/\bword (\d+)\b/, (text, word) => setup.nameWord?.(Number(word) as Word) ?? text);
  return /^[A-Z]\d+$/.test(rule) ? `${rule} does not hold: ${found}` : `${rule}: ${found}`;
}

/** What one schedule leads to, in lines. */
export function formatReplay(scenario: Scenario, replay: Replay, schedule: string): string[] {
  const { steps, finding } = replay;
  if (finding !== null) return formatFailure(scenario, { ...finding, schedule, steps });
  const lines = ['no rule is broken on this schedule', `scenario  ${scenario.name}`];
  return [...lines, `schedule  ${schedule}`, ...formatSteps(scenario, steps)];
}

function formatSteps(scenario: Scenario, steps: readonly Step[]): string[] {
  if (steps.length === 0) return [];
  const { setup, nameOf } = namesOf(scenario);
  return ['', ...formatColumns(steps, scenario.threads, setup, nameOf)];
}

function namesOf(scenario: Scenario): { setup: Setup; nameOf: (thread: number) => string } {
  const hand = new Stagehand(scenario);
  return { setup: hand.setup, nameOf: (thread) => hand.nameOf(thread) };
}

/** One line a step, in the column of its thread. */
function formatColumns(
  steps: readonly Step[],
  threads: number,
  setup: Setup,
  nameOf: (thread: number) => string,
): string[] {
  const cells = steps.map((step) => describeStep(step, setup));
  const widths = Array.from({ length: threads }, (_, thread) => {
    const own = cells.filter((_, i) => steps[i]?.thread === thread).map((cell) => cell.length);
    return Math.max(COLUMN_MIN, nameOf(thread).length, ...own) + 2;
  });
  const indents = widths.map((_, thread) => widths.slice(0, thread).reduce((a, b) => a + b, 0));
  const header = widths.map((width, thread) => nameOf(thread).padEnd(width)).join('');
  const lines = [header.trimEnd(), widths.map((width) => '-'.repeat(width - 2)).join('  ')];
  steps.forEach(({ thread }, i) => {
    lines.push(' '.repeat(indents[thread] as number) + (cells[i] as string));
  });
  return lines;
}

function describeStep({ access, found }: Step, setup: Setup): string {
  if (access === null) return 'looks again';
  const verb = accessName(access.kind).padEnd(VERB_WIDTH);
  const word = setup.nameWord?.(access.word) ?? `word ${access.word}`;
  return `${verb} ${word} ${effectOf(access, found, setup)}`.trimEnd();
}

function effectOf(access: Access, found: number, setup: Setup): string {
  const show = (value: number): string =>
    setup.showValue?.(access.word as Word, value) ?? `${value}`;
  switch (access.kind) {
    case ACCESS.load:
      return `= ${show(found)}`;
    case ACCESS.store:
      return `:= ${show(access.a)}`;
    case ACCESS.cas:
      return found === access.a
        ? `${show(access.a)} -> ${show(access.b)}`
        : `failed, found ${show(found)}`;
    case ACCESS.exchange:
      return `${show(found)} -> ${show(access.a)}`;
    case ACCESS.awaitChange:
    case ACCESS.awaitBriefly:
      return found === access.a ? 'sleeps' : `= ${show(found)}, goes on`;
    case ACCESS.notify:
      return '';
    default:
      return `${show(found)}, ${access.a}`;
  }
}
