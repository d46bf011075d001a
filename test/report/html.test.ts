/** `ptfrag compare --html`: one file that needs nothing else and says what the document says. */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GEOMETRIES } from '#src/core/pgtable/geometry.js';
import type { CompareDocument, CompareRow } from '#src/lab/compare/compare.js';
import { designsFor } from '#src/lab/designs/index.js';
import { BACKGROUND, lineStyle, lineStyleOf } from '#src/report/compare/html/lines.js';
import type { ChartTrace } from '#src/report/compare/html/page.js';
import { documentIn, type Finished, ptfrag, ptfragProcess } from '../fixtures/command.js';
import { parsePage, type Tag, textOf } from '../fixtures/markup.js';
import { signalAfter } from '../fixtures/signals.js';
import { bundled } from '../fixtures/trace-files.js';

const folder = mkdtempSync(join(tmpdir(), 'ptfrag-html-'));
const TRACES = ['s390x/quick.canon', 'ppc64le/quick-hash.frag'];

let run: Finished;
let document: CompareDocument;
let page: string;
let tags: Tag[];

beforeAll(async () => {
  const file = join(folder, 'report.html');
  run = await ptfrag(['compare', ...TRACES, '--json', '--html', file]);
  document = documentIn<CompareDocument>(run);
  page = readFileSync(file, 'utf8');
  tags = parsePage(page);
});

afterAll(() => rmSync(folder, { recursive: true }));

const named = (name: string): Tag[] => tags.filter((tag) => tag.name === name);

function chartData(): ChartTrace[] {
  const script = named('script').find(({ attributes }) => attributes['id'] === 'data');
  return JSON.parse(script?.inner ?? '') as ChartTrace[];
}

/** The tables: for each its caption, and its rows as texts. */
function tables(): { caption: string; rows: string[][] }[] {
  return named('table').map(({ inner }) => ({
    caption: textOf(/<caption>(.*?)<\/caption>/.exec(inner)?.[1] ?? ''),
    rows: [...inner.matchAll(/<tr[^>]*>([\s\S]*?)<\/tr>/g)].map(([, row = '']) =>
      [...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/g)].map(([, cell = '']) => textOf(cell)),
    ),
  }));
}

const count = (value: number): string => value.toLocaleString('en-US');
const mean = (value: number): string =>
  value.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

describe('an imported trace', () => {
  it('has one chart, with the designs and without a kernel', async () => {
    const file = join(folder, 'imported.html');
    await ptfrag(['compare', 'imported/make', '--html', file]);
    const text = readFileSync(file, 'utf8');
    expect(parsePage(text).filter(({ name }) => name === 'figure')).toHaveLength(1);
    expect(text).not.toContain('</svg> recorded kernel');
    for (const design of ['common', 's390-6.1', 'whole-page', 'limit']) {
      expect(text).toContain(`</svg> ${design} `);
    }
  });
});

describe('the page', () => {
  it('is well-formed, in a language, with a title', () => {
    expect(page.startsWith('<!doctype html>\n<html lang="en">')).toBe(true);
    expect(named('title').map(({ inner }) => inner)).toEqual(['ptfrag compare: holds']);
    expect(named('h1')).toHaveLength(1);
    const ids = tags.flatMap(({ attributes }) => attributes['id'] ?? []);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('asks for nothing that is not in it', () => {
    const places = ['src', 'href', 'srcset', 'action', 'data', 'poster', 'formaction'];
    const asked = tags.flatMap(({ attributes }) =>
      places.flatMap((name) => attributes[name] ?? []).filter((place) => !place.startsWith('#')),
    );
    expect(asked).toEqual([]);
    expect(named('link')).toEqual([]);
    for (const { inner } of named('style')) expect(inner).not.toMatch(/url\(|@import/);
    expect(page).not.toContain('sourceMappingURL');
  });

  it('allows its own two scripts and no request', () => {
    const policy = named('meta').find((tag) => tag.attributes['http-equiv'] !== undefined);
    const hashes = named('script')
      .filter(({ attributes }) => attributes['type'] !== 'application/json')
      .map(({ inner }) => `'sha256-${createHash('sha256').update(inner).digest('base64')}'`);
    expect(hashes).toHaveLength(2);
    expect(policy?.attributes['content']).toBe(
      `default-src 'none'; script-src ${hashes.join(' ')}; style-src 'unsafe-inline'`,
    );
  });

  it('says what the text says: the verdict, how it was made, what figures mean', async () => {
    const body = textOf(page.slice(page.indexOf('<body>'), page.indexOf('<script')));
    const words = body.replace(/\s+/g, ' ');
    const { stdout } = await ptfrag(['compare', ...TRACES], { COLUMNS: '100' });
    const prose = stdout.slice(stdout.indexOf('\nrecorded kernel: ')).replace(/\s+/g, ' ');
    for (const sentence of prose.split(/(?<=\.) (?=[A-Z]|\w+: )/)) {
      expect(words).toContain(sentence.trim());
    }
    expect(words).toMatch(
      /Made by ptfrag \d+\.\d+\.\d+: node .*main\.js compare s390x\/quick\.canon /,
    );
    expect(words).toContain('Permission is hereby granted');
  });

  it('can be used without seeing it', () => {
    const charts = tags.filter(({ attributes }) => attributes['role'] === 'img');
    expect(charts).toHaveLength(4);
    for (const { trace, kernel } of document.references.filter(({ kind }) => kind === 'pte')) {
      const labels = charts.map((chart) => chart.attributes['aria-label'] ?? '');
      const told = labels.filter((label) => label.includes(`, ${trace}, `));
      expect(told).toHaveLength(2);
      for (const label of told) expect(label).toContain(`recorded kernel ${mean(kernel.mean)}, `);
    }
    for (const { attributes } of named('th')) {
      expect(['col', 'row', 'rowgroup']).toContain(attributes['scope']);
    }
    const boxes = named('input').map(({ attributes }) => attributes['type']);
    expect(new Set(boxes)).toEqual(new Set(['checkbox']));
    expect(named('noscript')).toHaveLength(1);
  });
});

describe('its figures', () => {
  const nameOf = ({ design, sharing }: CompareRow): string =>
    sharing === 'all' ? `${design}, all` : design;

  const percent = (share: number): string => (100 * share).toFixed(1).replace(/^-(?=0.0$)/, '');

  it('are those of the document', () => {
    const found = tables();
    expect(found).toHaveLength(document.references.length);
    for (const [at, { trace, kind, kernel, limit, limitAll }] of document.references.entries()) {
      const mine = document.rows.filter((row) => row.trace === trace && row.kind === kind);
      const cells = (row: CompareRow): (string | undefined)[] => [
        nameOf(row),
        mean(row.pages.mean),
        count(row.pages.peak),
        (row.bytes.mean / 2 ** 20).toFixed(2),
        row.timesKernel?.toFixed(2),
        mean(row.saved?.pages ?? 0).replace(/^-(?=0.00$)/, ''),
        ((row.saved?.bytes ?? 0) / 2 ** 20).toFixed(2).replace(/^-(?=0.00$)/, ''),
        percent(row.saved?.share ?? 0),
        count(row.fresh),
      ];
      const rows = found[at]?.rows.filter((row) => row.length > 1).slice(1) ?? [];
      const recorded = mine.filter(({ mode }) => mode === 'recorded').map(cells);
      expect(rows.slice(1, 1 + recorded.length)).toEqual(recorded);
      expect(rows.slice(3 + recorded.length)).toEqual(
        mine.filter(({ mode }) => mode === 'gp').map(cells),
      );
      expect(rows[0]?.slice(0, 3)).toEqual([
        'recorded kernel',
        mean(kernel.mean),
        count(kernel.peak),
      ]);
      expect(rows[1 + recorded.length]?.slice(0, 3)).toEqual([
        'limit',
        mean(limit.mean),
        count(limit.peak),
      ]);
      expect(rows[2 + recorded.length]?.slice(0, 3)).toEqual([
        'limit, all',
        mean(limitAll.mean),
        count(limitAll.peak),
      ]);
    }
  });

  it('are those of the charts: each line reaches its peak', () => {
    const data = chartData();
    expect(named('h2').map(({ inner }) => inner)).toEqual(expect.arrayContaining(TRACES));
    for (const [at, trace] of TRACES.entries()) {
      const { charts, lines, starts } = data[at] as ChartTrace;
      const pte = document.rows.filter((row) => row.trace === trace && row.kind === 'pte');
      const { kernel, limit, limitAll, seconds } = document.references.find(
        (reference) => reference.trace === trace && reference.kind === 'pte',
      ) as CompareDocument['references'][number];
      for (const [chart, mode] of (['recorded', 'gp'] as const).entries()) {
        const peaks = pte.filter((row) => row.mode === mode).map((row) => row.pages.peak);
        const drawn = charts[chart]?.map((row) => Math.max(...(row ?? [])));
        expect(drawn).toEqual([kernel.peak, ...peaks, limit.peak, limitAll.peak]);
        expect(charts[chart]?.every((row) => row?.length === starts.length)).toBe(true);
      }
      expect(lines).toHaveLength(charts[0]?.length ?? 0);
      expect(starts.at(-1)).toBeCloseTo(seconds, 5);
    }
  });

  it('are as many as the document has, and written where it was asked for', () => {
    expect(run.status).toBe(0);
    // Before it is only how far it is, on a slow machine.
    expect(run.stderr.endsWith(`wrote ${join(folder, 'report.html')}\n`)).toBe(true);
    expect(readdirSync(folder)).toContain('report.html');
  });
});

describe('lines', () => {
  const designs = [...new Set(Object.values(GEOMETRIES).flatMap(designsFor))];

  function luminance(colour: string): number {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }

  function contrast(one: string, other: string): number {
    const [more = 0, less = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
    return (more + 0.05) / (less + 0.05);
  }

  const styles = [
    lineStyle('kernel'),
    lineStyle('limit'),
    lineStyle('limit-all'),
    lineStyleOf('common', 'all'),
    ...designs.map((design) => lineStyleOf(design, null)),
  ];

  it.each(['light', 'dark'] as const)('can be seen on a %s background', (theme) => {
    expect(designs.length).toBeGreaterThan(6);
    for (const style of styles) {
      expect(contrast(style[theme], BACKGROUND[theme]), style.key).toBeGreaterThan(3);
    }
  });

  it('differ within a recording in their colour, and in their dashes or their width', () => {
    const looks = new Map(styles.map((style) => [style.key, style]));
    const shapes = [...looks.values()].map(({ width, dash }) => `${width} ${dash.join(' ')}`);
    expect(new Set(shapes).size).toBe(looks.size);
    expect(new Set([...looks.values()].map(({ light }) => light)).size).toBe(looks.size);
  });
});

describe('names that look like markup', () => {
  it('are text', async () => {
    const evil = `<img src=x onerror=alert(1)>&amp;"'<script>alert(2)<!--.txt.gz`.replaceAll(
      '/',
      '',
    );
    const trace = join(folder, evil);
    const file = join(folder, '"><b>.html');
    copyFileSync(bundled('s390x/quick.canon'), trace);
    const { status } = await ptfrag(['compare', trace, '--design', 'mail', '--html', file]);
    expect(status).toBe(0);
    const found = parsePage(readFileSync(file, 'utf8'));
    expect(found.filter(({ name }) => name === 'img' || name === 'b')).toEqual([]);
    expect(found.filter(({ name }) => name === 'script')).toHaveLength(3);
    const [title] = found.filter(({ name }) => name === 'h2').slice(1);
    expect(textOf(title?.inner ?? '')).toBe(trace);
  });
});

describe('a file that can not be written', () => {
  const refused = async (...args: string[]): Promise<string> => {
    const before = readdirSync(folder);
    const result = await ptfrag(['compare', 's390x/quick', ...args]);
    expect(result).toMatchObject({ status: 2, stdout: '' });
    expect(readdirSync(folder)).toEqual(before);
    return result.stderr;
  };

  it('is refused before anything is compared', async () => {
    mkdirSync(join(folder, 'sub'));
    expect(await refused('--html', join(folder, 'sub'))).toContain('it is a directory');
    expect(await refused('--html', join(folder, 'none', 'a.html'))).toContain(
      'folder is not there',
    );
    expect(await refused('--html', '/dev/null')).toContain('not a regular file');
    expect(await refused('--html', '-')).toContain('expected the name of a file');
    expect(await refused('--perfetto', '')).toContain('expected the name of a file');
    const both = join(folder, 'both');
    expect(await refused('--html', both, '--perfetto', both)).toContain('--html writes it');
  });

  it('is refused as a document, too', async () => {
    const result = await ptfrag(['compare', 's390x/quick', '--json', '--html', folder]);
    expect(result.status).toBe(2);
    expect(documentIn(result)).toMatchObject({
      verdict: 'inconclusive',
      error: { code: 'bad-output' },
    });
  });

  it('is refused where it is a recording that is compared, through a link, too', async () => {
    const trace = join(folder, 'kept.txt.gz');
    const link = join(folder, 'link.txt.gz');
    copyFileSync(bundled('s390x/quick.canon'), trace);
    symlinkSync(trace, link);
    for (const file of [trace, link]) {
      const result = await ptfrag(['compare', trace, '--html', file]);
      expect(result).toMatchObject({ status: 2, stdout: '' });
      expect(result.stderr).toContain('it is read');
    }
    expect(readFileSync(trace)).toEqual(readFileSync(bundled('s390x/quick.canon')));
  });
});

describe('a file that is there', () => {
  it('is replaced as a whole, a link stays a link, and nothing is left beside it', async () => {
    const place = join(folder, 'replaced');
    mkdirSync(place);
    const [file, link] = [join(place, 'old.html'), join(place, 'link.html')];
    writeFileSync(file, 'old');
    symlinkSync(file, link);
    const arguments_ = ['compare', 's390x/quick', '--design', 'mail', '--html'];
    expect((await ptfrag([...arguments_, link])).status).toBe(0);
    expect(readFileSync(file, 'utf8')).toContain('<!doctype html>');
    expect(readdirSync(place).sort()).toEqual(['link.html', 'old.html']);
  });

  it('stays as it was when the comparison comes to nothing', async () => {
    const file = join(folder, 'stays.html');
    writeFileSync(file, 'old');
    const { status } = await ptfrag(['compare', 's390x/quick', 'no-such-trace', '--html', file]);
    expect(status).toBe(2);
    expect(readFileSync(file, 'utf8')).toBe('old');
    expect(existsSync(join(folder, 'no-such-trace'))).toBe(false);
  });

  it('stays as it was when the comparison is interrupted', async () => {
    const place = join(folder, 'interrupted');
    mkdirSync(place);
    const file = join(place, 'old.html');
    writeFileSync(file, 'old');
    const arguments_ = ['compare', 's390x/quick', 's390x/mm2b', '--html', file];
    const started = signalAfter('stdout', 's390x/quick', 'SIGTERM');
    expect((await ptfragProcess(arguments_, { started })).status).toBe(143);
    expect(readFileSync(file, 'utf8')).toBe('old');
    expect(readdirSync(place)).toEqual(['old.html']);
  });
});
