/** Whether a value that was read from a file is a document of `ptfrag check`. */

/** A `typeof`; a list of a shape; a shape or null; an object of shapes. */
type Shape =
  | string
  | readonly [Shape]
  | readonly [Shape, null]
  | { readonly [field: string]: Shape };

export interface Mistake {
  readonly code: string;
  /** What the file does, after its name. */
  readonly found: string;
  readonly expected: string;
}

const WORD: Shape = { number: 'number', name: 'string' };
const VALUE: Shape = { number: 'number', text: 'string' };

const STEP: Shape = {
  thread: 'number',
  verb: 'string',
  isPlain: 'boolean',
  word: WORD,
  value: [VALUE, null],
  expected: [VALUE, null],
  found: [VALUE, null],
  count: 'number',
};

/** What was done on one schedule. */
const INTERLEAVING = {
  schedule: 'string',
  threads: ['string'],
  steps: [STEP],
  brokenAt: ['number', null],
  againFrom: ['number', null],
} as const;

const FAILURE: Shape = {
  ...INTERLEAVING,
  rule: 'string',
  detail: 'string',
  thread: ['number', null],
  word: [WORD, null],
};

const SCENARIO: Shape = {
  name: 'string',
  design: 'string',
  verdict: 'string',
  complete: 'boolean',
  bound: ['string', null],
  executions: 'number',
  steps: 'number',
  states: ['number', null],
  seconds: 'number',
  failure: [FAILURE, null],
  replayed: [INTERLEAVING, null],
};

const MUTANT: Shape = {
  name: 'string',
  about: 'string',
  scenario: 'string',
  caught: 'boolean',
  complete: 'boolean',
  rule: ['string', null],
  schedule: ['string', null],
  steps: 'number',
  failure: [FAILURE, null],
};

const DOCUMENT: Shape = {
  verdict: 'string',
  build: 'string',
  options: {},
  asked: { scenarios: 'number', mutants: 'number' },
  missing: ['string'],
  scenarios: [SCENARIO],
  mutants: [MUTANT],
};

/** What is wrong with it, or null. */
export function findMistake(value: unknown): Mistake | null {
  const { command, schema, error, shard } = Object(value) as Readonly<Record<string, unknown>>;
  const wrong = (code: string, found: string, expected: string): Mistake => ({
    code,
    found,
    expected,
  });
  if (command !== 'check') {
    const found = `is the document of ${JSON.stringify(command ?? null)}`;
    return wrong('other-command', found, 'a document with the command "check"');
  }
  if (schema !== 1) {
    return wrong('other-schema', `has the schema ${JSON.stringify(schema ?? null)}`, 'schema 1');
  }
  const place = misfit(value, DOCUMENT, '') ?? (isShard(shard) ? null : 'shard');
  if (place === null) return null;
  const { message } = Object(error) as { readonly message?: string };
  const [why] = message?.split('\n') ?? [];
  const found = why === undefined ? `has no right "${place}"` : `has no results: ${why}`;
  return wrong('not-a-result', found, 'the document of a check that began');
}

function isShard(value: unknown): boolean {
  if (value === null) return true;
  const { index, count } = Object(value) as { readonly index?: number; readonly count?: number };
  if (!Number.isInteger(index) || !Number.isInteger(count)) return false;
  return Number(index) >= 1 && Number(index) <= Number(count) && Number(count) <= 1e6;
}

/** The path of the first value that is missing or of another type. */
function misfit(value: unknown, shape: Shape, path: string): string | null {
  if (typeof shape === 'string') return typeof value === shape ? null : path;
  if (Array.isArray(shape)) {
    const [inner, ...orNull] = shape as readonly [Shape, null?];
    if (orNull.length > 0) return value === null ? null : misfit(value, inner, path);
    if (!Array.isArray(value)) return path;
    return firstOf(value.map((each, at) => misfit(each, inner, `${path}[${at}]`)));
  }
  if (typeof value !== 'object' || value === null) return path;
  const fields = Object.entries(shape as Readonly<Record<string, Shape>>);
  const inner = (name: string): string => (path === '' ? name : `${path}.${name}`);
  const values = value as Readonly<Record<string, unknown>>;
  return firstOf(fields.map(([name, each]) => misfit(values[name], each, inner(name))));
}

function firstOf(paths: readonly (string | null)[]): string | null {
  return paths.find((path) => path !== null) ?? null;
}
