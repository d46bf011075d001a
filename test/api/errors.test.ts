/** docs/errors.md against the code: each code that can be thrown is there, and no other. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as ptfrag from 'ptfrag';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const ROOMS = ['api', 'core', 'checker/model', 'checker/proof'];

/** A word with a hyphen that begins like a code, and is none. */
const NO_CODE = 'no-page';

function sources(): string[] {
  return ROOMS.flatMap((room) =>
    readdirSync(`${ROOT}src/${room}`, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.includes('mutants'))
      .map((name) => readFileSync(`${ROOT}src/${room}/${name}`, 'utf8')),
  );
}

/** Where a code is written: as an error's first argument, as a constant, or by how it begins. */
const PLACES: readonly RegExp[] = [
  /(?:UsageError|UnsupportedError)\(\s*'([a-z-]+)'/g,
  /refusal\(\s*'([a-z-]+)'/g,
  /super\('([a-z-]+)'/g,
  /\b(?:code|CODE) = '([a-z-]+)'/g,
  /'((?:bad|no|not|other|mm|inside|already|may|double|foreign|async|stale)-[a-z-]+)'/g,
];

function codesOf(text: string): string[] {
  const found = PLACES.flatMap((place) => [...text.matchAll(place)]);
  return found.map(([, code = '']) => code).filter((code) => code !== NO_CODE);
}

/** Rows of the tables whose first cell is a code. */
function rows(): (readonly [code: string, name: string])[] {
  const text = readFileSync(`${ROOT}docs/errors.md`, 'utf8');
  const found = text.matchAll(/^\| `([a-z-]+)` \| `(\w+)` \| [^|]+ \| [^|]+ \|$/gm);
  return [...found].map(([, code = '', name = '']) => [code, name] as const);
}

const SHORTAGE = { live: 1, pending: 0, blocker: null, isReading: false };
const BLOCKER: ptfrag.Blocker = {
  cause: 'reader',
  thread: 1,
  name: null,
  attachedAtMs: null,
  of: null,
};

/** One of each class that is published. */
const MADE: readonly Error[] = [
  new ptfrag.InputError('message', { code: 'code', file: 'file', line: 0, expected: 'other' }),
  new ptfrag.InvariantError('P4', 'found'),
  new ptfrag.LimitError('threadsMax', 1, 'message'),
  new ptfrag.OutOfPagesError('what', 1, SHORTAGE),
  new ptfrag.StallError('what', BLOCKER, 1),
  new ptfrag.UnsupportedError('code', 'message'),
  new ptfrag.UsageError('code', 'message'),
  new ptfrag.WriteAfterFreeError('message', 1, 2, 3, null),
];

describe('an error', () => {
  it('has the name of its own class, not of the one that it extends', () => {
    const classes = Object.keys(ptfrag).filter((name) => name.endsWith('Error'));
    expect(MADE.map(({ name }) => name)).toEqual(classes.sort());
  });
});

describe('docs/errors.md', () => {
  const inCode = new Set(sources().flatMap(codesOf));

  it('has each code that the code has, once', () => {
    expect(inCode.size).toBeGreaterThan(40);
    expect(
      rows()
        .map(([code]) => code)
        .sort(),
    ).toEqual([...inCode].sort());
  });

  it('names classes that are published, each of them in its list', () => {
    const listed = [
      ...readFileSync(`${ROOT}docs/errors.md`, 'utf8').matchAll(/^\| `(\w+Error)` \|/gm),
    ];
    const classes = Object.keys(ptfrag).filter((name) => name.endsWith('Error'));
    expect(new Set(rows().map(([, name]) => name)).size).toBeGreaterThan(4);
    for (const [, name] of rows()) expect(classes).toContain(name);
    expect(listed.map(([, name]) => name).sort()).toEqual(classes.sort());
  });
});
