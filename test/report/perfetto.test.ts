/**
 * `ptfrag compare --perfetto`: a trace in the Chrome trace event format. What is checked here is
 * the format as it is published, and that counters say what the document says.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CompareDocument } from '#src/lab/compare/compare.js';
import { SPANS } from '#src/lab/compare/curve.js';
import { type PerfettoEvent, perfettoTrace } from '#src/report/compare/perfetto.js';
import { documentIn, ptfrag } from '../fixtures/command.js';

interface TraceFile {
  readonly displayTimeUnit: string;
  readonly otherData: object;
  readonly traceEvents: readonly PerfettoEvent[];
}

const folder = mkdtempSync(join(tmpdir(), 'ptfrag-perfetto-'));
const TRACES = ['s390x/quick.canon', 'ppc64le/quick-hash.frag'];

let document: CompareDocument;
let trace: TraceFile;

beforeAll(async () => {
  const file = join(folder, 'trace.json.gz');
  const run = await ptfrag(['compare', ...TRACES, '--json', '--perfetto', file]);
  document = documentIn<CompareDocument>(run);
  trace = JSON.parse(gunzipSync(readFileSync(file)).toString()) as TraceFile;
});

afterAll(() => rmSync(folder, { recursive: true }));

const METADATA = ['process_name', 'process_sort_index', 'thread_name', 'thread_sort_index'];

/** What the format asks of each kind of event; '' if nothing is wrong. */
function problemOf({ ph, name, pid, tid, ts, dur, args, ...rest }: PerfettoEvent): string {
  if (typeof name !== 'string' || name === '') return 'no name';
  if (!Number.isInteger(pid) || pid < 1) return 'no process';
  if (Object.keys(rest).length > 0) return `fields that are none: ${Object.keys(rest)}`;
  const values = Object.values(args ?? {});
  if (ph === 'M') return METADATA.includes(name) && values.length === 1 ? '' : 'bad metadata';
  if (ts === undefined || !Number.isFinite(ts) || ts < 0) return 'no time';
  if (ph === 'C') return values.length > 0 && values.every(Number.isFinite) ? '' : 'no value';
  if (ph === 'X') return tid !== undefined && dur !== undefined && dur >= 0 ? '' : 'no slice';
  return `a phase that is none: ${ph}`;
}

function counters(pid: number, name: string, unit: string): { ts: number; value: number }[] {
  return trace.traceEvents
    .filter((event) => event.ph === 'C' && event.pid === pid && event.name === name)
    .filter(({ args }) => args?.[unit] !== undefined)
    .map(({ ts = -1, args }) => ({ ts, value: Number(args?.[unit]) }));
}

describe('the trace', () => {
  it('has events of the published kinds and no others', () => {
    expect(trace.displayTimeUnit).toBe('ms');
    expect(trace.otherData).toEqual({});
    const wrong = trace.traceEvents.filter((event) => problemOf(event) !== '');
    expect(wrong).toEqual([]);
    expect(new Set(trace.traceEvents.map(({ ph }) => ph))).toEqual(new Set(['M', 'C', 'X']));
  });

  it('has a process for each recording', () => {
    const names = trace.traceEvents.filter(({ name }) => name === 'process_name');
    expect(names.map(({ pid, args }) => [pid, args?.['name']])).toEqual(
      TRACES.map((name, at) => [at + 1, name]),
    );
  });

  it('has a counter for each design and mode: its times increase, it reaches the peak', () => {
    const rows = document.rows.filter(({ kind }) => kind === 'pte');
    expect(rows.length).toBeGreaterThan(20);
    for (const { trace: name, design, sharing, mode, pages } of rows) {
      const who = sharing === 'all' ? `${design}, all` : design;
      const found = counters(1 + TRACES.indexOf(name), `${who} (${mode})`, 'PTE pages');
      expect(Math.max(...found.map(({ value }) => value))).toBe(pages.peak);
      const steps = found.slice(1).map(({ ts }, at) => ts - (found[at]?.ts ?? 0));
      expect(steps.every((step) => step >= 0)).toBe(true);
      expect(found.length).toBeLessThanOrEqual(2 * SPANS + 1);
    }
  });

  it('has the kernel, the limits and the tables of the recording', () => {
    for (const { trace: name, kind, kernel, limit, limitAll, seconds } of document.references) {
      if (kind !== 'pte') continue;
      const pid = 1 + TRACES.indexOf(name);
      const peak = (counter: string, unit: string): number =>
        Math.max(...counters(pid, counter, unit).map(({ value }) => value));
      expect(peak('recorded kernel', 'PTE pages')).toBe(kernel.peak);
      expect(peak('limit', 'PTE pages')).toBe(limit.peak);
      expect(peak('limit, all', 'PTE pages')).toBe(limitAll.peak);
      expect(peak('recording', 'live tables')).toBeGreaterThanOrEqual(limit.peak);
      expect(peak('recording', 'waiting tables')).toBeGreaterThan(0);
      expect(counters(pid, 'limit', 'PTE pages').at(-1)?.ts).toBeCloseTo(1e6 * seconds);
    }
  });

  it('has grace periods that follow one another on their own track', () => {
    const tracks = trace.traceEvents.filter(({ name }) => name === 'thread_name');
    const runs = document.rows.filter(({ kind, mode }) => kind === 'pte' && mode === 'gp');
    expect(tracks).toHaveLength(runs.length);
    for (const [at, { pid, tid, args }] of tracks.entries()) {
      expect(args?.['name']).toMatch(/ \(gp\): grace periods$/);
      const slices = trace.traceEvents.filter(
        (event) => event.ph === 'X' && event.pid === pid && event.tid === tid,
      );
      expect(slices.length).toBeGreaterThan(10);
      const ends = slices.map(({ ts = 0, dur = 0 }) => ts + dur);
      expect(slices.slice(1).every(({ ts = 0 }, i) => ts >= (ends[i] ?? 0))).toBe(true);
      const lengths = new Set(slices.slice(0, -1).map(({ dur }) => dur));
      expect(lengths).toEqual(new Set([runs[at]?.gpUs]));
    }
  });
});

describe('a trace with more than fits', () => {
  it('says what was left out', () => {
    const flat = { low: [1], high: [1] };
    const run = { design: 'mail', sharing: null, mode: 'gp', gpUs: 5, pages: flat } as const;
    const runs = [{ ...run, graces: [0], gracesLost: 7 }];
    const recording = { kernel: flat, limit: flat, limitAll: flat, live: flat, waiting: flat };
    const text = [...perfettoTrace([{ trace: 'a "b"', durationUs: 10, ...recording, runs }])].join(
      '',
    );
    const { otherData } = JSON.parse(text) as TraceFile;
    expect(otherData).toEqual({ 'grace periods left out': { 'a "b", mail (gp)': 7 } });
  });

  it('has a counter of the kernel only where one placed the tables', async () => {
    for (const [name, hasKernel] of [
      ['s390x/quick', true],
      ['imported/make', false],
    ] as const) {
      const file = join(folder, 'kernel.json');
      await ptfrag(['compare', name, '--design', 'mail', '--perfetto', file]);
      const text = readFileSync(file, 'utf8');
      expect(text).toContain('"limit"');
      expect(text.includes('"recorded kernel"')).toBe(hasKernel);
    }
  });

  it('is plain text unless its name says otherwise', async () => {
    const file = join(folder, 'plain.json');
    await ptfrag(['compare', 's390x/quick', '--design', 'mail', '--perfetto', file]);
    expect(readFileSync(file, 'utf8').startsWith('{"displayTimeUnit"')).toBe(true);
  });
});
