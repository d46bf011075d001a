/** A scenario that is set up on a machine, ready to be run; and how its executions are judged. */
import { UsageError } from '../../core/base/errors.js';
import type { Word } from '../../core/base/units.js';
import { ACCESS, Seam } from './access.js';
import { Deaths } from './deaths.js';
import type { Ending } from './ending.js';
import type { Step } from './explore.js';
import { Ghosts } from './ghosts.js';

import { requireFindings, requireSetup } from './judge.js';
import type { Lookers } from './looks.js';
import { Machine } from './machine.js';
import { stackOf } from './origin.js';
import type { Finding, Findings, Scenario, Setup, Stage } from './scenario.js';
import { Spawned } from './spawn.js';

/** What setting up a scenario threw: its own failure, whatever is explored. */
export class SetupError extends Error {
  override readonly name: string = 'SetupError';
  readonly finding: Wrong;

  constructor(error: unknown) {
    super('a scenario could not be set up', { cause: error });
    this.finding = findingOf(error, 'setting up: ');
  }
}

/** What is wrong; and the stack of the error that says so, if it is none of ptfrag's own. */
export interface Wrong extends Finding {
  readonly stack?: string | null | undefined;
}

/** A rule that an execution has broken, and the steps that led there. */
export interface Found {
  readonly finding: Wrong;
  /** The thread whose operation threw it; null: nobody's, it was found at the end. */
  readonly thread: number | null;
  readonly steps: readonly Step[];
  /** Where it was found: the same steps lead there again. */
  readonly stagehand: Stagehand;
  /** What is wrong is that so many last steps lead back to where they began. */
  readonly lapSteps?: number | undefined;
}

type Judgement = Pick<Found, 'finding' | 'thread'>;

/** Throws `SetupError`, and `UsageError` for a scenario that contradicts itself. */
export class Stagehand {
  readonly machine: Machine;
  readonly setup: Setup;
  readonly seen: Set<string>;
  found: Found | null = null;
  private readonly name: string;

  /** Without `early` each thread may return early as often as the scenario lets all of them. */
  constructor(scenario: Scenario, early?: readonly number[], seen: Set<string> = new Set()) {
    this.name = scenario.name;
    this.seen = seen;
    const { words: ownWords, threads, ghostWords = 0, earlyReturns = 0, waitsOrder } = scenario;
    const all = Array.from({ length: threads }, () => earlyReturns);
    const spawned = new Spawned(scenario);
    const deaths = new Deaths(scenario, spawned.words);
    const sizes = { words: deaths.words, ownWords, threads, ghostWords };
    const { killed } = scenario;
    this.machine = new Machine({ ...sizes, waitsOrder, killed, early: early ?? all });
    const memory = new Seam({
      access: (kind, word, a, b) => this.machine.access(kind, word, a, b, false),
    });
    const stage: Stage = {
      ...spawned.calls(memory),
      ...deaths.calls(memory, (word, dead) => {
        this.machine.access(ACCESS.kill, word as Word, dead, 0, false);
      }),
      memory: this.machine.memory,
      ghost: new Ghosts(this.machine, ghostWords),
      see: (what) => void this.seen.add(what),
      assume: (condition) => this.machine.assume(condition),
    };
    const setup = setUp(scenario, stage);
    requireSetup(scenario.name, threads, setup);
    this.setup = { ...setup, nameWord: this.namesOf(setup, spawned, deaths) };
    for (const thread of spawned.threads) {
      this.machine.sleepers.bear(thread, spawned.begin(thread) as Word);
    }
    const operations = spawned.ending(setup.threads, memory);
    this.machine.begin(operations, this.lookers(), setup.forEver);
  }

  private namesOf(setup: Setup, ...others: readonly (Spawned | Deaths)[]): Setup['nameWord'] {
    const nameOf = (thread: number): string => this.nameOf(thread);
    return (word) => {
      const names = others.map((each) => each.nameOf(word, nameOf));
      return names.find((name) => name !== undefined) ?? setup.nameWord?.(word);
    };
  }

  private lookers(): Lookers {
    const { onReturn, always } = this.setup;
    if (always === undefined) return { onReturn };
    return { onReturn, always: (): Finding | null => this.ask(always, 'after a step') };
  }

  /** Judges the end of an execution; true: a rule was broken, stop here. */
  judge(ending: Ending, steps: () => Step[]): boolean {
    const judgement = this.judgementOf(ending);
    if (judgement === null) return false;
    this.found = { ...judgement, steps: steps(), stagehand: this };
    return true;
  }

  private judgementOf(ending: Ending): Judgement | null {
    if (ending.kind === 'dismissed' || ending.kind === 'cut') return null;
    if (ending.kind === 'failed') {
      const { error, thread } = ending;
      if (thread < 0) return { finding: error as Finding, thread: null };
      return { finding: findingOf(error), thread };
    }
    const finding = ending.kind === 'stuck' ? this.waitingOf(ending.threads) : this.atEnd();
    return finding === null ? null : { finding, thread: null };
  }

  private waitingOf(threads: readonly number[]): Finding {
    const who = threads.map((thread) => this.nameOf(thread)).join(' and ');
    return { rule: 'progress', detail: `${who} would wait for ever` };
  }

  private atEnd(): Finding | null {
    const results = this.setup.threads.map((_, thread) => this.machine.resultsOf(thread));
    const { atEnd } = this.setup;
    return atEnd === undefined ? null : this.ask(() => atEnd(results), 'at the end');
  }

  /** The first thing that is wrong, by what looks at the memory; or what it threw. */
  private ask(look: () => Findings, when: string): Finding | null {
    let findings: Findings;
    try {
      findings = look();
    } catch (error) {
      return findingOf(error, `${when}: `);
    }
    return requireFindings(this.name, when, findings)?.[0] ?? null;
  }

  nameOf(thread: number): string {
    return this.setup.threadNames?.[thread] ?? `thread ${thread}`;
  }
}

function setUp(scenario: Scenario, stage: Stage): Setup {
  try {
    return scenario.setup(stage);
  } catch (error) {
    throw new SetupError(error);
  }
}

/** The fields of an `InvariantError`: by name, for a build with a mutant has a class of its own. */
interface RuleFound {
  readonly rule?: string;
  readonly found?: string;
  readonly word?: number | null;
}

/** What an error says, as a finding; `when` it was thrown, where no thread did. */
function findingOf(error: unknown, when = ''): Wrong {
  const { name = 'Error', message = String(error) } = Object(error) as Error;
  const { rule = name, found = message, word } = Object(error) as RuleFound;
  // A rule is explained by its steps.
  const stack = rule === name ? stackOf(error) : null;
  const finding = { rule, detail: when + found, stack };
  return typeof word === 'number' ? { ...finding, word } : finding;
}

/** Sets up twice: memory and first accesses must be the same. Throws `UsageError` if not. */
export function requireSameSetup(scenario: Scenario): void {
  const first = new Stagehand(scenario);
  const second = new Stagehand(scenario);
  const refuse = (what: string, one: unknown, two: unknown): never => {
    const found = `${what} is ${JSON.stringify(one)} once, and then ${JSON.stringify(two)}`;
    const cause = 'it depends on something outside, or changes it';
    throw new UsageError('bad-scenario', `${scenario.name}: set up twice, ${found}: ${cause}`);
  };
  for (let word = 0; word < scenario.words; word++) {
    const [one, two] = [first.machine.state.view(word), second.machine.state.view(word)];
    if (one !== two) refuse(first.setup.nameWord?.(word) ?? `word ${word}`, one, two);
  }
  for (let index = 0; index < (scenario.ghostWords ?? 0); index++) {
    const [one, two] = [first.machine.state.getGhost(index), second.machine.state.getGhost(index)];
    if (one !== two) refuse(`ghost word ${index}`, one, two);
  }
  for (let thread = 0; thread < scenario.threads; thread++) {
    const [one, two] = [first, second].map(({ machine }) =>
      machine.enabled(thread) ? machine.nextAccess(thread) : null,
    );
    if (JSON.stringify(one) !== JSON.stringify(two)) {
      refuse(`the first access of ${first.nameOf(thread)}`, one, two);
    }
  }
}
