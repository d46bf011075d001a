/** The documents against the project: what they name exists, and what they say is complete. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { CheckDocument } from '#src/checker/check/document.js';
import { RULES_MAX } from '#src/core/mem/header.js';
import { HEAP, MM, PTDESC, RCU_HEAD, THREAD } from '#src/core/mem/layout.js';
import type { CompareDocument } from '#src/lab/compare/compare.js';
import { ROOMS } from '#src/rooms.js';
import { withBlock } from '../scripts/block.mjs';
import { roomTable } from '../scripts/rooms.mjs';
import { documentIn, keyPaths, ptfrag } from './fixtures/command.js';
import { type Source, source } from './tidy/source.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const read = (path: string): string => readFileSync(ROOT + path, 'utf8');

function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(ROOT + folder, { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith(ending))
    .sort();
}

const DOCUMENTS = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...filesBelow('docs', '.md'),
  ...filesBelow('examples', '.md'),
  'traces/README.md',
];

const SOURCES: readonly Source[] = filesBelow('src', '.ts').map((path) => source(path, read(path)));
const CODE = SOURCES.map(({ code }) => code).join('\n');

/** The rows of a document's tables: cells by their column's heading. `|` in a cell is `\|`. */
function rowsOf(text: string): Record<string, string>[] {
  const rows: Record<string, string>[] = [];
  let heads: string[] = [];
  for (const line of text.split('\n')) {
    if (!line.startsWith('|')) {
      heads = [];
      continue;
    }
    const cells = line.split(/(?<!\\)\|/).slice(1, -1);
    const values = cells.map((cell) => cell.trim().replaceAll('\\|', '|'));
    if (heads.length === 0) heads = values;
    else if (!/^[-:|\s]+$/.test(line)) {
      rows.push(Object.fromEntries(heads.map((head, i) => [head, values[i] ?? ''])));
    }
  }
  return rows;
}

/** The part of a document below a heading that begins so. */
function section(text: string, heading: string): string {
  const from = text.split('\n').findIndex((line) => /^#+ /.test(line) && line.includes(heading));
  const rest = text.split('\n').slice(from + 1);
  const end = rest.findIndex((line) => /^#+ /.test(line));
  return rest.slice(0, end < 0 ? rest.length : end).join('\n');
}

/** Without code blocks. */
const proseOf = (text: string): string => text.replace(/^```[\s\S]*?^```/gm, '');

const quoted = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map((m) => m[1] ?? '');

/** Whether code declares a function, method, class, constant, type or field of that name. */
function declares(code: string, name: string): boolean {
  const declared = `\\b(?:function|class|interface|const|type|let) ${name}\\b`;
  const member = `^ +(?:[a-z]+ )*(?:get )?${name}(?:\\(|\\??: |,$)`;
  const property = `\\b${name}: `;
  return new RegExp(`${declared}|${member}|${property}`, 'm').test(code);
}

function declaresFunction(code: string, name: string): boolean {
  const method = `^ +(?:(?:private|protected|override|static|async) )*${name}[(<]`;
  return new RegExp(`\\bfunction ${name}\\b|${method}`, 'm').test(code);
}

describe('the documents', () => {
  it('are these, and each begins with its title', () => {
    const names = ['checker', 'glossary', 'oracle', 'proof', 'replay', 'requirements'].map(
      (n) => `docs/${n}.md`,
    );
    expect(DOCUMENTS).toEqual(expect.arrayContaining(names));
    for (const path of DOCUMENTS) expect(read(path), path).toMatch(/^# \S/);
  });

  it.each(DOCUMENTS)('%s links to what is there', (path) => {
    const text = proseOf(read(path));
    const dead = [...text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].flatMap(([, link = '']) => {
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? path : posix.join(posix.dirname(path), file);
      if (!existsSync(ROOT + target)) return [link];
      if (anchor === undefined) return [];
      const titles = [...read(target).matchAll(/^#+ (.*)$/gm)].map((m) => m[1] ?? '');
      return titles.some((title) => slug(title) === anchor) ? [] : [link];
    });
    expect(dead).toEqual([]);
  });

  it.each(DOCUMENTS)('%s names files that are there', (path) => {
    const named = quoted(proseOf(read(path))).filter((text) =>
      /^(?:src|test|docs|traces)\/\S+$/.test(text),
    );
    const lost = named.filter((name) => !existsSync(ROOT + name) && !isNotBuilt(read(path), name));
    expect(lost).toEqual([]);
  });

  it.each(DOCUMENTS)('%s has code of at most 100 columns', (path) => {
    const blocks = read(path).match(/^```[\s\S]*?^```/gm) ?? [];
    const long = blocks.flatMap((block) => block.split('\n').filter((l) => [...l].length > 100));
    expect(long).toEqual([]);
  });
});

/** GitHub's way from a heading to its anchor. */
function slug(title: string): string {
  const kept = title.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '');
  return kept.trim().replaceAll(' ', '-');
}

/** A line says of a path that it is not built yet, and it is not. */
function isNotBuilt(text: string, path: string): boolean {
  const says = text.split('\n').some((l) => l.includes(path) && /not built yet/i.test(l));
  return says && !existsSync(ROOT + path);
}

describe('docs/requirements.md', () => {
  const text = read('docs/requirements.md');
  const rows = rowsOf(text).map((row) => ({ rule: row['rule'] ?? row['hazard'] ?? '', ...row }));
  const cell = (row: object, name: string): string => (row as Record<string, string>)[name] ?? '';

  it('has each rule once, and none of P1 to P11 and H1 to H10 is missing', () => {
    const numbered = (letter: string, count: number): string[] =>
      Array.from({ length: count }, (_, i) => `${letter}${i + 1}`);
    const rules = [
      ['P', RULES_MAX],
      ['H', 10],
      ['G', 3],
      ['S', 2],
      ['L', 4],
      ['R', 7],
      ['T', 4],
      ['U', 1],
      ['X', 10],
    ] as const;
    const wanted = rules.flatMap(([letter, count]) => numbered(letter, count));
    expect(rows.map(({ rule }) => rule)).toEqual(wanted);
  });

  it('has no blank cell', () => {
    for (const row of rows) {
      for (const [name, value] of Object.entries(row))
        expect(value, `${row.rule} ${name}`).not.toBe('');
      expect(Object.keys(row)).toHaveLength(row.rule.startsWith('H') ? 5 : 4);
    }
  });

  it('names functions that are there', () => {
    const named = rows.flatMap((row) => quoted(cell(row, 'kept by')));
    const places = named.filter((name) => name.includes(':'));
    expect(places.length).toBeGreaterThan(30);
    const lost = places.filter((place) => {
      const [file = '', name = ''] = place.split(':');
      const found = SOURCES.find(({ path }) => path === `src/${file}`);
      return found === undefined || !declaresFunction(found.code, name);
    });
    expect(lost).toEqual([]);
  });

  it('names tests that are there', () => {
    const entries = rows.flatMap((row) => cell(row, 'checked by').split('<br>'));
    const lost = entries.filter((entry) => {
      if (entry.startsWith('not built yet')) return false;
      const [, file = '', name = ''] = /^`([\w/-]+\.test\.ts)`: (.+)$/.exec(entry) ?? [];
      return (
        file === '' || !existsSync(`${ROOT}test/${file}`) || !hasTest(read(`test/${file}`), name)
      );
    });
    expect(lost).toEqual([]);
  });

  it('says "not built yet" only of what is not there', () => {
    const claims = rows.flatMap((row) =>
      [cell(row, 'kept by'), cell(row, 'checked by')].filter((v) => v.startsWith('not built yet')),
    );
    expect(rows.length).toBeGreaterThan(30);
    for (const claim of claims) {
      const [path = ''] = quoted(claim);
      expect(path, claim).toMatch(/^src\//);
      expect(existsSync(ROOT + path), claim).toBe(false);
    }
  });

  it('has every rule that code or a test cites', () => {
    const known = new Set(rows.map(({ rule }) => rule));
    const tests = filesBelow('test', '.ts').filter((path) => !path.includes('tidy'));
    const cited = (value: string): string[] => value.match(/\b[PHGSLX]\d{1,2}\b/g) ?? [];
    const inSource = SOURCES.flatMap((file) =>
      cited([...file.comments.map((c) => c.text), ...file.strings.map((s) => s.value)].join('\n')),
    );
    const inTests = tests.flatMap((path) =>
      cited(
        source(path, read(path))
          .strings.map(({ value }) => value)
          .join('\n'),
      ),
    );
    expect(inSource.length).toBeGreaterThan(30);
    expect([...new Set([...inSource, ...inTests])].filter((rule) => !known.has(rule))).toEqual([]);
  });

  it('has a program of two threads for P1, P2, P5 and P10', () => {
    const programs = text.match(/^P\d+ +thread 0 +thread 1/gm) ?? [];
    expect(programs.map((line) => line.split(' ')[0])).toEqual(['P1', 'P2', 'P5', 'P10']);
    expect(text.match(/^ +forbidden /gm)).toHaveLength(4);
  });
});

/** A test of that name; of one that is made from a template, the part before its first value. */
function hasTest(text: string, name: string): boolean {
  return [`'${name}'`, `\`${name}\``, `\`${name}: \${`].some((title) => text.includes(title));
}

describe('ARCHITECTURE.md', () => {
  const text = read('ARCHITECTURE.md');

  it('has the rooms, from the one list of them', () => {
    expect(text).toBe(withBlock(text, 'rooms', roomTable()));
    for (const { folder } of Object.values(ROOMS))
      expect(existsSync(`${ROOT}src/${folder}`)).toBe(true);
  });

  it('has every lock of the layout, and no other', () => {
    const tables = Object.entries({ HEAP, MM, PTDESC, RCU_HEAD, THREAD });
    const locks = tables.flatMap(([table, fields]) =>
      Object.keys(fields)
        .filter((field) => /(?:^|_)LOCK$/.test(field))
        .map((field) => `${table}.${field}`),
    );
    const listed = rowsOf(section(text, 'Locks')).map((row) => quoted(row['word'] ?? '')[0]);
    expect([...listed].sort()).toEqual(locks.sort());
  });

  it('names functions that are there, in the files that it says', () => {
    const names = new Set(quoted(proseOf(text)).filter((name) => /^[A-Za-z]\w*$/.test(name)));
    expect(names.size).toBeGreaterThan(50);
    const theirs = ['Atomics', 'null', 'AFFF'];
    expect([...names].filter((n) => !declares(CODE, n) && !theirs.includes(n))).toEqual([]);
    const pairs = [...text.matchAll(/`(\w+)`s? ?(?:\(|, )`(src\/[\w/-]+\.ts)`/g)];
    expect(pairs.length).toBeGreaterThan(15);
    const wrong = pairs.filter(([, name = '', path]) => {
      const file = SOURCES.find((candidate) => candidate.path === path);
      return file === undefined || !declares(file.code, name);
    });
    expect(wrong.map(([pair]) => pair)).toEqual([]);
  });

  it('names words of the layout that are there', () => {
    const fields = new Set([HEAP, MM, PTDESC, RCU_HEAD, THREAD].flatMap((t) => Object.keys(t)));
    const shouted = text.match(/\b[A-Z]{2,}(?:_[A-Z]+)*\b/g) ?? [];
    const known = (word: string): boolean => fields.has(word) || declares(CODE, word);
    const prose = ['HTML', 'PUBLISH', 'OBSERVE', 'RCU', 'JSON', 'README', 'CONTRIBUTING', 'TODO'];
    // Of a page of four fragments, in the picture.
    const states = (word: string): boolean => /^[ACNF]{4}$/.test(word);
    expect(
      [...new Set(shouted)].filter((w) => !known(w) && !states(w) && !prose.includes(w)),
    ).toEqual([]);
  });
});

describe('docs/glossary.md', () => {
  it('gives words of ours that the code has', () => {
    const words = rowsOf(read('docs/glossary.md')).flatMap((row) => quoted(row['here'] ?? ''));
    expect(words.length).toBeGreaterThan(40);
    expect(words.filter((word) => !declares(CODE, word))).toEqual([]);
  });

  it('says of every word whether it means the same', () => {
    const rows = rowsOf(read('docs/glossary.md')).filter((row) => row['here'] !== undefined);
    for (const row of rows) {
      if (row['here'] === 'none') continue;
      expect(row['same?'], JSON.stringify(row)).toMatch(/^(?:yes|no|same (?:job|contract))\b/);
    }
  });
});

describe('docs/replay.md', () => {
  const text = read('docs/replay.md');
  const fieldsOf = (heading: string): string[] =>
    rowsOf(section(text, heading)).flatMap((row) => quoted(row['field'] ?? ''));

  /** An array that is empty in this document shows none of its fields. */
  function checkFields(described: readonly string[], found: readonly string[]): void {
    const isEmptyArray = (path: string): boolean =>
      found.includes(path.replace(/\[\]\..*$/, '')) && path.includes('[]');
    const arrays = new Set(described.filter((p) => p.includes('[]')).map((p) => p.split('[]')[0]));
    expect(found.filter((path) => !described.includes(path) && !arrays.has(path))).toEqual([]);
    const absent = described.filter((path) => !found.includes(path) && !isEmptyArray(path));
    expect(absent).toEqual([]);
  }

  it('describes each field of the document of replay', async () => {
    const run = await ptfrag(['replay', 's390x/quick', '--threads', '1', '--json']);
    checkFields(fieldsOf('document of replay'), keyPaths(documentIn(run)));
  });

  it('describes each field of the document of a replay through page tables', async () => {
    const line = 'replay s390x/quick --through pgtable --threads 1 --json';
    const run = await ptfrag(line.split(' '));
    const described = ['document of replay', 'Of a replay through'].flatMap(fieldsOf);
    checkFields(described, keyPaths(documentIn(run)));
  });

  it('describes each field of the document of compare', async () => {
    const run = await ptfrag(['compare', 'ppc64le/quick-hash', '--gp', '100000', '--json']);
    const found = keyPaths(documentIn(run));
    expect(found).toContain('failed[].allowed');
    checkFields(fieldsOf('document of compare'), found);
  });

  it('describes each field of the document of a command that ends early', async () => {
    const run = await ptfrag(['replay', 'no-such-trace', '--json']);
    expect(run.status).toBe(2);
    const own = keyPaths(documentIn(run)).filter((p) => !['schema', 'command'].includes(p));
    expect(fieldsOf('ends early').sort()).toEqual(own.sort());
  });

  it('has the claim that compare makes', async () => {
    const run = await ptfrag(['compare', 's390x/quick', '--json']);
    const { claim } = documentIn<CompareDocument>(run);
    for (const more of Object.values(claim)) expect(text).toContain(`${1 + more} times`);
    expect(text).toContain('divided by 1.5');
  });
});

describe('docs/checker.md', () => {
  const text = read('docs/checker.md');

  it('describes each option of check', async () => {
    const { stdout } = await ptfrag(['check', '--help']);
    const options = [...stdout.matchAll(/^ +(?:-\w, )?(--[\w-]+)/gm)].map(
      (match) => match[1] ?? '',
    );
    const described = rowsOf(text).flatMap((row) => quoted(row['option'] ?? ''));
    expect(described.filter((word) => word.startsWith('--')).sort()).toEqual(
      options.filter((name) => name !== '--help').sort(),
    );
  });

  it('describes each field of a scenario and its setup', () => {
    const code = read('src/checker/model/scenario.ts');
    for (const name of ['Scenario', 'Setup']) {
      const [, body = ''] =
        new RegExp(`interface ${name} \\{([\\s\\S]*?)^\\}`, 'm').exec(code) ?? [];
      const fields = [...body.matchAll(/^ {2}readonly (\w+)/gm)].map((match) => match[1]);
      const rows = rowsOf(text).flatMap((row) => quoted(row[`field of \`${name}\``] ?? ''));
      expect(rows.sort()).toEqual(fields.sort());
    }
  });

  it('describes each field of a failure and of its steps', async () => {
    const document = documentIn(
      await ptfrag(['check', '--mutant', 'lock-tests-then-sets', '--json']),
    );
    const { mutants } = document as unknown as Pick<CheckDocument, 'mutants'>;
    const failure = mutants[0]?.failure;
    const described = (of: string): string[] =>
      rowsOf(text)
        .flatMap((row) => quoted(row[`field of \`${of}\``] ?? '').slice(0, 1))
        .map((name) => name.replace('[]', ''));
    expect(described('failure').sort()).toEqual(Object.keys(failure ?? {}).sort());
    expect(described('steps[]').sort()).toEqual(Object.keys(failure?.steps[0] ?? {}).sort());
  });

  it('describes each field of the document', async () => {
    const described = rowsOf(section(text, 'document of check')).flatMap((row) =>
      quoted(row['field'] ?? '').slice(0, 1),
    );
    const arguments_ = ['take-vs-take+one-block', '--shard', '1/1', '--json'];
    const document = documentIn(await ptfrag(['check', ...arguments_]));
    const found = keyPaths({ ...document, options: 0 });
    // Of what is null, missing or empty in this one the parts are described.
    const part = (path: string): boolean => /failure|missing|replayed/.test(path);
    expect(described.filter((path) => !part(path)).sort()).toEqual(
      found.filter((path) => !part(path)),
    );
    expect(described.filter(part)).toHaveLength(5);
  });
});

describe('CHANGELOG.md', () => {
  it('begins with the version of the package', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    const [first] = read('CHANGELOG.md').match(/^## .*$/m) ?? [];
    expect(first).toMatch(new RegExp(`^## ${version.replaceAll('.', '\\.')}(?: |$)`));
  });
});
