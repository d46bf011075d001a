/**
 * What users give to the checker, judged before anything is explored: a scenario that is none would
 * throw from deep inside, or have no end.
 */
import { UsageError } from '../../core/base/errors.js';
import { isArray, isObject, refusal, shown } from '../../core/base/shown.js';
import type { Failure } from './interleaving.js';
import { OPTIONS, requireKnown, SCENARIO_FIELDS, SETUP_FIELDS } from './known.js';
import type { Findings, Scenario, Setup } from './scenario.js';

/** Sets of threads are bits of one number. */
const THREADS_MAX = 30;
const WORDS_MAX = 2 ** 22;

/** Executions grow with each way to share them out. */
const EARLY_RETURNS_MAX = 100;

const PARTS_MAX = 1_000;

/** Wider than any terminal. */
const COLUMNS_MAX = 10_000;

/** Refuses what is no scenario. */
export function requireScenario(scenario: Scenario): void {
  if (!isObject(scenario)) throw refusal('bad-scenario', 'scenario', scenario, 'it is an object');
  const { name, words, threads, ghostWords = 0, earlyReturns = 0, mustSee = [], setup } = scenario;
  const { waitsOrder = true, spawned = [], killed = [] } = scenario;
  const wrong = (field: string, given: unknown, allowed: string): UsageError =>
    refusal('bad-scenario', `${shown(name)}: ${field}`, given, allowed);
  const whole = (field: string, value: unknown, least: number, most: number): void => {
    if (Number.isInteger(value) && Number(value) >= least && Number(value) <= most) return;
    throw wrong(field, value, `it is a whole number, ${least} to ${most}`);
  };
  if (typeof name !== 'string') throw wrong('name', name, 'it is a text');
  whole('words', words, 1, WORDS_MAX);
  whole('ghostWords', ghostWords, 0, WORDS_MAX);
  whole('threads', threads, 1, THREADS_MAX);
  whole('earlyReturns', earlyReturns, 0, EARLY_RETURNS_MAX);
  if (!isArray(spawned) || !spawned.every(isThreadOf(threads)) || spawned.length >= threads) {
    throw wrong('spawned', spawned, 'it is an array of threads, by number, and not all of them');
  }
  const mayDie = (thread: unknown): boolean => !(spawned as unknown[]).includes(thread);
  if (!isArray(killed) || !killed.every(isThreadOf(threads)) || !killed.every(mayDie)) {
    const allowed = 'it is an array of threads, by number, that are not spawned';
    throw wrong('killed', killed, allowed);
  }
  if (typeof waitsOrder !== 'boolean') throw wrong('waitsOrder', waitsOrder, 'it is true or false');
  const isList = isArray(mustSee) && mustSee.every((what) => typeof what === 'string');
  if (!isList) throw wrong('mustSee', mustSee, 'it is an array of texts');
  if (typeof setup !== 'function') throw wrong('setup', setup, 'it is a function');
  requireKnown('bad-scenario', `${shown(name)}: a scenario`, scenario, SCENARIO_FIELDS);
}

/** Refuses what `setup` returned if it is no setup for so many threads. */
export function requireSetup(name: string, threads: number, setup: Setup): void {
  const given: unknown = isObject(setup) ? setup.threads : setup;
  if (!isObject(setup) || !isArray(given) || !given.every(isOperations)) {
    const allowed = 'setup returns an object with threads: for each an array of functions';
    throw refusal('bad-scenario', `${name}: what says the threads`, given, allowed);
  }
  for (const called of ['onReturn', 'always', 'atEnd', 'nameWord', 'showValue'] as const) {
    const value = setup[called];
    if (value === undefined || typeof value === 'function') continue;
    throw refusal('bad-scenario', `${name}: ${called}`, value, 'it is a function');
  }
  requireKnown('bad-scenario', `${name}: what setup returns`, setup, SETUP_FIELDS);
  requireForEver(name, threads, setup.forEver);
  if (given.length === threads) return;
  const message = `${name}: ${threads} threads said, ${given.length} made`;
  throw new UsageError('bad-scenario', message);
}

function isThreadOf(threads: number): (each: unknown) => boolean {
  return (each) => Number.isInteger(each) && Number(each) >= 0 && Number(each) < threads;
}

function requireForEver(name: string, threads: number, forEver: unknown): void {
  if (forEver === undefined) return;
  if (isArray(forEver) && forEver.every(isThreadOf(threads))) return;
  throw refusal(
    'bad-scenario',
    `${name}: forEver`,
    forEver,
    'it is an array of threads, by number',
  );
}

function isOperations(thread: unknown): boolean {
  return isArray(thread) && thread.every((operation) => typeof operation === 'function');
}

/** Refuses what `atEnd` or `always` returned if it is neither a list of findings nor nothing. */
export function requireFindings(name: string, when: string, findings: Findings): Findings {
  if (findings === undefined || (isArray(findings) && findings.every(isFinding))) return findings;
  const allowed = 'it is an array, of rule and detail for each thing that is wrong, or undefined';
  throw refusal('bad-scenario', `${name}: what is found ${when}`, findings, allowed);
}

function isFinding(finding: unknown): boolean {
  if (!isObject(finding)) return false;
  const { rule, detail, word } = finding as Record<string, unknown>;
  const isWord = word === undefined || typeof word === 'number';
  return typeof rule === 'string' && typeof detail === 'string' && isWord;
}

/** Refuses options of a check that are of the wrong type; its mode is judged by `requireMode`. */
export function requireCheckOptions(options: {
  readonly stepsMax?: unknown;
  readonly keepSchedule?: unknown;
  readonly starvation?: unknown;
  readonly part?: unknown;
  readonly mode?: unknown;
  readonly onProgress?: unknown;
  readonly signal?: unknown;
}): void {
  if (!isObject(options)) throw refusal('bad-option', 'check: options', options, 'it is an object');
  requireKnown('bad-option', 'check', options, OPTIONS);
  const { stepsMax, keepSchedule, starvation, part, mode, onProgress, signal } = options;
  if (part !== undefined) requirePart(part, mode);
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw refusal('bad-option', 'check: onProgress', onProgress, 'it is a function');
  }
  if (signal !== undefined && !isSignal(signal)) {
    throw refusal('bad-option', 'check: signal', signal, 'it is an AbortSignal');
  }
  const isCount = typeof stepsMax === 'number' && stepsMax >= 1;
  if (stepsMax !== undefined && !isCount) {
    throw refusal('bad-option', 'check: stepsMax', stepsMax, 'it is a number from 1 on');
  }
  for (const [name, value] of Object.entries({ keepSchedule, starvation })) {
    if (value === undefined || typeof value === 'boolean') continue;
    throw refusal('bad-option', `check: ${name}`, value, 'it is true or false');
  }
}

function requirePart(part: unknown, mode: unknown): void {
  const { index, count } = Object(part) as { readonly index?: unknown; readonly count?: unknown };
  const isCount = Number.isInteger(count) && Number(count) >= 1 && Number(count) <= PARTS_MAX;
  if (!isCount || !Number.isInteger(index) || Number(index) < 0 || Number(index) >= Number(count)) {
    const allowed = `its count is a whole number, 1 to ${PARTS_MAX}, its index one below, from 0`;
    throw refusal('bad-option', 'check: part', part, allowed);
  }
  const kind = (Object(mode) as { readonly kind?: unknown }).kind ?? 'exhaustive';
  if (kind === 'exhaustive') return;
  throw refusal('bad-option', 'check: part', part, 'only mode exhaustive has parts');
}

/** By what is used of it: engines without DOM types have no such class for the compiler. */
function isSignal(signal: unknown): boolean {
  return isObject(signal) && typeof Reflect.get(signal, 'throwIfAborted') === 'function';
}

/** Refuses what is no failure to be shown, null above all: what a scenario that holds has. */
export function requireFailure(failure: Pick<Failure, 'steps'>, columns: number): void {
  if (!isObject(failure) || !isArray(failure.steps)) {
    const allowed = 'it is what check found, where it is not null';
    throw refusal('bad-failure', 'failure', failure, allowed);
  }
  if (Number.isInteger(columns) && columns >= 1 && columns <= COLUMNS_MAX) return;
  const allowed = `it is a whole number, 1 to ${COLUMNS_MAX}`;
  throw refusal('bad-option', 'columns', columns, allowed);
}
