/**
 * One interleaving as data: who did what, with every word and value both as a number and as people
 * read it. Texts, JSON documents and pages are made of this, wherever they are shown, without the
 * scenario: see report.ts.
 *
 * It is told by running its schedule once more, on the machine on which it was found. The threads'
 * logs then say everything, plain accesses included, which are no steps of a schedule: of those
 * only the ones that touch the word in question are told.
 */
import type { Word } from '../../core/base/units.js';
import {
  ACCESS,
  type AccessKind,
  accessName,
  isPlain,
  isWait,
  possibleEffects,
  valueAfter,
  WRITES,
} from './access.js';
import type { Log } from './log.js';
import type { Machine } from './machine.js';
import type { Finding, Setup } from './scenario.js';
import { FIELD } from './state.js';

/** A word of the memory. */
export interface NamedWord {
  readonly number: number;
  readonly name: string;
}

/** A value, and how people read it in that word. */
export interface ShownValue {
  readonly number: number;
  readonly text: string;
}

/** One access of one thread, or its waking. */
export interface NamedStep {
  readonly thread: number;
  /** A method of `memory`; `awaitBriefly` is awaitChange with a time limit; `wake`: by itself. */
  readonly verb: keyof typeof ACCESS | 'wake';
  /**
   * A plain access, which belongs to the step before it and is not in the schedule: save for writes
   * of a thread that may be killed.
   */
  readonly isPlain: boolean;
  readonly word: NamedWord;
  /** What it leaves in the word, or a cas would if it found what it expects; null: nothing. */
  readonly value: ShownValue | null;
  /** Of cas, awaitChange and awaitBriefly: what must be found. */
  readonly expected: ShownValue | null;
  /** What was in the word; null where that makes no difference. */
  readonly found: ShownValue | null;
  /** Words that it touches, from `word` on: more than one for fill and copy. */
  readonly count: number;
}

/** One execution, step by step, with its words and threads named. */
export interface Interleaving {
  /** Ready to be pasted: see schedule.ts. Empty: nothing was run. */
  readonly schedule: string;
  /** Names of the threads. */
  readonly threads: readonly string[];
  readonly steps: readonly NamedStep[];
  /**
   * Which step found that a rule is broken, where the code says so by a word (`Setup.brokenWord`):
   * what comes after only tells the other threads. Null: the last.
   */
  readonly brokenAt: number | null;
  /**
   * The step from which on the steps lead back to where they began, and could be done again and
   * again. Null: they do not.
   */
  readonly againFrom: number | null;
}

/** A rule that is broken, and an interleaving that breaks it: data to the end. */
export interface Failure extends Interleaving {
  readonly rule: string;
  /** What was found. */
  readonly detail: string;
  /** The thread whose operation found it; null: it was found before or after all of them. */
  readonly thread: number | null;
  /** The word in question, where it is one. */
  readonly word: NamedWord | null;
  /** Where an error of the scenario's own was thrown, and its causes; null: no error, or a rule. */
  readonly stack: string | null;
}

/** What is told, and in whose words: a scenario that is set up. */
export interface Subject {
  readonly machine: Machine;
  readonly setup: Setup;
  readonly nameOf: (thread: number) => string;
}

/** Runs a schedule from the start, and tells what is done. Its last `lapSteps` are a round. */
export function tell(
  subject: Subject,
  schedule: string,
  threads: readonly number[],
  finding: Finding | null,
  lapSteps = 0,
): Interleaving {
  subject.machine.restart();
  const teller = new Teller(subject, finding);
  teller.collect();
  let againFrom: number | null = null;
  threads.forEach((thread, at) => {
    if (lapSteps > 0 && at === threads.length - lapSteps) againFrom = teller.steps.length;
    teller.step(thread);
  });
  teller.race();
  const names = Array.from({ length: subject.machine.threads }, (_, at) => subject.nameOf(at));
  const brokenAt = saysItself(finding) ? teller.brokenAt : null;
  return { schedule, threads: names, steps: teller.steps, brokenAt, againFrom };
}

/** Whether it is a rule that the code has found broken, not something that the checker has. */
function saysItself(finding: Finding | null): boolean {
  return finding !== null && finding.rule !== 'race' && finding.rule !== 'progress';
}

/** An access as a log has it. */
interface Row {
  readonly kind: AccessKind;
  readonly word: Word;
  readonly a: number;
  readonly b: number;
  readonly found: number;
}

class Teller {
  readonly steps: NamedStep[] = [];
  brokenAt: number | null = null;
  private readonly subject: Subject;
  private readonly finding: Finding | null;
  /** How much of each thread's log has been told. */
  private readonly told: number[];

  constructor(subject: Subject, finding: Finding | null) {
    this.subject = subject;
    this.finding = finding;
    this.told = subject.machine.logs.map(() => 0);
  }

  /** Lets a thread make a step, and tells it and what was done plainly behind it. */
  step(thread: number): void {
    const { machine } = this.subject;
    const access = machine.nextAccess(thread);
    const slept = machine.sleepers.wordOf(thread);
    machine.perform(thread);
    if (access === null) this.steps.push(this.waking(thread, slept));
    else {
      const told = this.told[thread] as number;
      // A step that throws, as one that is in a race, does not get into the log.
      const isLogged = this.endOf(thread) > told;
      const found = isLogged ? machine.found : machine.state.view(access.word);
      this.tellRow(thread, { ...access, found });
      if (isLogged) this.told[thread] = told + 1;
    }
    this.collect();
  }

  private endOf(thread: number): number {
    return this.subject.machine.state.getField(thread, FIELD.END);
  }

  /** Tells what was done plainly since. */
  collect(): void {
    this.subject.machine.logs.forEach((log, thread) => {
      for (let row = this.told[thread] as number; row < this.endOf(thread); row++) {
        this.tellPlainly(thread, rowAt(log, row));
      }
      this.told[thread] = this.endOf(thread);
    });
  }

  /** The plain access that was found to race is in no log either: its thread was about to do it. */
  race(): void {
    const { machine } = this.subject;
    const { thrown } = machine;
    if (thrown === null || thrown.thread < 0) return;
    if ((Object(thrown.error) as { rule?: string }).rule !== 'race') return;
    const row = rowAt(machine.logs[thrown.thread] as Log, this.endOf(thrown.thread));
    if (isPlain(row.kind)) {
      this.tellPlainly(thrown.thread, { ...row, found: machine.state.view(row.word) });
    }
  }

  private tellPlainly(thread: number, row: Row): void {
    const word = this.finding?.word;
    const from = row.kind === ACCESS.copy ? row.b : row.word;
    const touches = (begin: number): boolean =>
      word !== undefined && word >= begin && word < begin + countOf(row);
    if (touches(row.word) || touches(from)) this.tellRow(thread, row);
  }

  private tellRow(thread: number, row: Row): void {
    this.steps.push(this.named(thread, row));
    const { brokenWord } = this.subject.setup;
    if (brokenWord === undefined || row.word !== brokenWord || row.kind !== ACCESS.cas) return;
    if (row.found === row.a) this.brokenAt ??= this.steps.length - 1;
  }

  private named(thread: number, row: Row): NamedStep {
    const { kind, word, a, found } = row;
    const show = (value: number): ShownValue => this.shown(word, value);
    const isCompared = kind === ACCESS.cas || isWait(kind);
    const left = leaves(row);
    return {
      thread,
      verb: accessName(kind),
      isPlain: isPlain(kind),
      word: this.wordNamed(word),
      value: left === null ? null : show(left),
      expected: isCompared ? show(a) : null,
      found: showsFound(kind) ? show(found) : null,
      count: countOf(row),
    };
  }

  private waking(thread: number, word: Word): NamedStep {
    return {
      thread,
      verb: 'wake',
      isPlain: false,
      word: this.wordNamed(word),
      value: null,
      expected: null,
      found: null,
      count: 1,
    };
  }

  private wordNamed(word: Word): NamedWord {
    return nameWord(this.subject.setup, word);
  }

  private shown(word: Word, value: number): ShownValue {
    const text = this.subject.setup.showValue?.(word, value) ?? `${value}`;
    return { number: value, text };
  }
}

export function nameWord(setup: Setup, word: number): NamedWord {
  return { number: word, name: setup.nameWord?.(word) ?? `word ${word}` };
}

function rowAt(log: Log, row: number): Row {
  return { ...log.access(row), found: log.found(row) };
}

/** A store, a poke and a fill write whatever is there; a notify does not look. */
function showsFound(kind: AccessKind): boolean {
  const blind: readonly AccessKind[] = [
    ACCESS.store,
    ACCESS.poke,
    ACCESS.notify,
    ACCESS.fill,
    ACCESS.copy,
    ACCESS.kill,
  ];
  return !blind.includes(kind);
}

function countOf({ kind, a }: Row): number {
  return kind === ACCESS.fill || kind === ACCESS.copy ? a : 1;
}

/** What writes no value of its own, or none that says anything. */
const LEAVES_NO_VALUE: readonly AccessKind[] = [ACCESS.peek, ACCESS.copy, ACCESS.kill];

/** The value that an access leaves in the word; of a CAS, as if it found what it expects. */
function leaves({ kind, a, b, found }: Row): number | null {
  if (kind === ACCESS.cas) return b;
  const isWrite = (possibleEffects(kind) & WRITES) !== 0;
  if (!isWrite || LEAVES_NO_VALUE.includes(kind)) return null;
  return valueAfter(kind, a, b, found);
}
