/** Whether a value that was read from a file is a document of `ptfrag check`. */

/** A `typeof`, `?` before it where null will do; a list of a shape; an object of shapes. */
type Shape = string | readonly [Shape] | { readonly [field: string]: Shape };

export interface Mistake {
  readonly code: string;
  /** What the file does, after its name. */
  readonly found: string;
  readonly expected: string;
}

const SCENARIO: Shape = {
  name: 'string',
  design: 'string',
  verdict: 'string',
  complete: 'boolean',
  bound: '?string',
  executions: 'number',
  steps: 'number',
  seconds: 'number',
  failure: '?object',
};

const MUTANT: Shape = {
  name: 'string',
  about: 'string',
  scenario: 'string',
  caught: 'boolean',
  complete: 'boolean',
  rule: '?string',
  schedule: '?string',
  steps: 'number',
  failure: '?object',
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
  if (typeof shape === 'string') {
    const type = shape.replace('?', '');
    const mayBeNull = type !== shape && value === null;
    return mayBeNull || typeof value === type ? null : path;
  }
  if (Array.isArray(shape)) {
    if (!Array.isArray(value)) return path;
    return firstOf(value.map((each, at) => misfit(each, shape[0] as Shape, `${path}[${at}]`)));
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
