/** From recorders' texts to traces: held against the kernel's own count, and what is refused. */
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { readStream, writeStream } from '#src/cli/shell/output-stream.js';
import { InputError, UsageError } from '#src/core/base/errors.js';
import type { ImportDocument } from '#src/lab/import/document.js';
import { importTrace } from '#src/lab/import/importer.js';
import { readTrace } from '#src/lab/trace/reader.js';
import { type ImportInto, importInto } from '../../fixtures/import-into.js';
import { TraceFolder } from '../../fixtures/trace-files.js';

const FIXTURES = fileURLToPath(new URL('../../fixtures/import/', import.meta.url));
const folder = new TraceFolder();
const output = join(folder.path, 'out.ptf.gz');

afterAll(() => folder.remove());

const DEFAULTS = {
  output,
  geometry: 's390',
  recorder: null,
  touch: 'first',
  tolerate: 1,
} as const;

function importFile(file: string, options: Partial<ImportInto> = {}): Promise<ImportDocument> {
  return importInto({ ...DEFAULTS, files: [file], ...options });
}

/** Imports a text; gives the records, without the source's lines and times. */
async function records(
  lines: readonly string[],
  options: Partial<ImportInto> = {},
): Promise<string[]> {
  await importFile(folder.write(`${lines.join('\n')}\n`), options);
  return outputLines().map(({ record }) => record);
}

function outputLines(): { line: number; record: string }[] {
  const text = gunzipSync(readFileSync(output)).toString();
  const found = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return found.map((line) => {
    const [source, , ...rest] = line.split(' ');
    return { line: Number(source), record: rest.join(' ') };
  });
}

/** Sizes in KiB of all tables that an mm has, as Linux counts them (VmPTE), by line of the text. */
function tableKib(lines: readonly number[]): Map<string, number>[] {
  const live = new Map<string, Set<number>>();
  const events = outputLines();
  let at = 0;
  return lines.map((line) => {
    for (; at < events.length && (events[at]?.line ?? 0) <= line; at++) {
      const [op, mm = '', , index = ''] = (events[at]?.record ?? '').split(' ');
      if (op === 'I') live.set(mm, new Set());
      if (op === 'A') live.get(mm)?.add(Number.parseInt(index, 16));
      if (op === 'F') live.get(mm)?.delete(Number.parseInt(index, 16));
      if (op === 'D') live.delete(mm);
    }
    return new Map([...live].map(([mm, tables]) => [mm, kibOf([...tables])]));
  });
}

/** PTE tables of 2 MiB, and the PMD and PUD tables that they need on x86. */
function kibOf(tables: readonly number[]): number {
  const above = (span: number): number => new Set(tables.map((t) => Math.floor(t / span))).size;
  return 4 * (tables.length + above(2 ** 9) + above(2 ** 18));
}

function fixture(name: string): string {
  return join(FIXTURES, name);
}

describe('a recording of a program that reads VmPTE after each step', () => {
  // perf trace shows no address of the program and the loader: until the first mapping says where
  // they lie, it is one step behind.
  it.each([
    ['perf-script', 0],
    ['ftrace', 0],
    ['perf-trace', 1],
  ] as const)('has as many tables as the kernel counted: %s', async (name, from) => {
    const file = fixture(`${name}.txt.gz`);
    const document = await importFile(file, { geometry: 'generic' });
    expect(document).toMatchObject({ faults: 'recorded', touch: null, unplaced: [] });
    const text = gunzipSync(readFileSync(file)).toString().split('\n');
    const marks = text.flatMap((line, i) =>
      /munmap.*\b(?:0x)?10000000\b/.test(line) ? [i + 1] : [],
    );
    const steps = readFileSync(fixture(`${name}.steps`), 'utf8')
      .trim()
      .split('\n');
    expect(marks).toHaveLength(steps.length);
    const found = tableKib(marks);
    for (const [i, step] of steps.entries()) {
      const [, kib] = step.split(' ');
      const mms = [...(found[i] as Map<string, number>).values()];
      // The newest that lives: the program, or its child.
      if (i >= from) expect(mms.at(-1), `${name}: ${step}`).toBe(Number(kib));
    }
  });

  it('has the same calls in both forms of strace', async () => {
    const long = await importFile(fixture('strace.txt.gz'));
    const first = outputLines().length;
    const plain = await importFile(fixture('strace-plain.txt.gz'));
    expect(outputLines()).toHaveLength(first);
    expect(long).toMatchObject({ faults: 'assumed', touch: 'first', mms: 3 });
    expect({ ...plain.allocs, ...plain.lines, mms: plain.mms }).toMatchObject({
      ...long.allocs,
      unplaced: 0,
      mms: 3,
    });
  });

  it('without faults has more tables if all that is mapped counts as used', async () => {
    const first = await importFile(fixture('strace.txt.gz'));
    const all = await importFile(fixture('strace.txt.gz'), { touch: 'all' });
    const recorded = await importFile(fixture('perf-script.txt.gz'));
    expect(first.peak.pte).toBeLessThan(recorded.peak.pte);
    expect(all.peak.pte).toBeGreaterThan(first.peak.pte);
  });

  it('is read as it was written, in every geometry', async () => {
    for (const geometry of ['s390', 'powerpc-radix-64k', 'powerpc-hash-64k', 'powerpc-8xx-16k']) {
      const { allocs, frees, records, mms } = await importFile(fixture('ftrace.txt.gz'), {
        geometry,
      });
      const facts = await readTrace(output, () => {});
      expect(facts).toMatchObject({ geometry, records, mms });
      expect(facts.allocs).toEqual([allocs.pte, allocs.pmd]);
      expect(facts.frees).toEqual([frees.pte, frees.pmd]);
    }
  });
});

/** ftrace's form of an event of a task, in a recording of one CPU. */
function event(task: number, text: string): string {
  return ` a-${task}   [000] .....  1.0: ${text}`;
}

const fault = (task: number, at: string): string =>
  event(task, `page_fault_user: address=0x${at} ip=0x1 error_code=0x4`);
const birth = (task: number, child: number, flags: string): string =>
  event(task, `task_newtask: pid=${child} comm=a clone_flags=${flags} oom_score_adj=0`);
const exec = (task: number): string =>
  event(task, `sched_process_exec: filename=/a pid=${task} old_pid=${task}`);
const exit = (task: number): string => event(task, `sched_process_exit: comm=a pid=${task} prio=1`);

const FORK = '1200000';
const VFORK = '4100';
const THREAD = '3d0f00';

describe('address spaces', () => {
  it('are copied by fork, with their tables', async () => {
    expect(await records([fault(1, '100000'), birth(1, 2, FORK), exit(1), exit(2)])).toEqual([
      'I m1',
      'A m1 0 1',
      'I m2',
      'A m2 0 1',
      'E m1',
      'F m1 0 1',
      'D m1',
      'E m2',
      'F m2 0 1',
      'D m2',
    ]);
  });

  it('are shared after vfork, until the exec', async () => {
    const lines = [birth(1, 2, VFORK), fault(2, '100000'), exec(2), fault(2, '200000'), exit(2)];
    expect(await records([...lines, exit(1)])).toEqual([
      'I m1',
      'A m1 0 1',
      'I m2',
      'A m2 0 2',
      'E m2',
      'F m2 0 2',
      'D m2',
      'E m1',
      'F m1 0 1',
      'D m1',
    ]);
  });

  it('are shared by threads, and end with the last', async () => {
    const lines = [birth(1, 2, THREAD), fault(2, '100000'), exit(1), fault(2, '200000'), exit(2)];
    expect(await records(lines)).toEqual([
      'I m1',
      'A m1 0 1',
      'A m1 0 2',
      'E m1',
      'F m1 0 1',
      'F m1 0 2',
      'D m1',
    ]);
  });

  it.each([
    ['was seen', [exit(2)]],
    ['was not seen', []],
  ])('of a pid that is used again are two: its first exit %s', async (_name, exits) => {
    const life = [birth(1, 2, FORK), fault(2, '100000')];
    const again = [birth(1, 2, FORK), fault(2, '200000')];
    expect(await records([...life, ...exits, ...again])).toEqual([
      'I m1',
      'I m2',
      'A m2 0 1',
      'E m2',
      'F m2 0 1',
      'D m2',
      'I m3',
      'A m3 0 2',
    ]);
  });

  it('are not made again by what a task does after its exit', async () => {
    const document = await importFile(
      folder.write(`${[fault(1, '100000'), exit(1), fault(1, '200000')].join('\n')}\n`),
    );
    expect(document).toMatchObject({ mms: 1, allocs: { pte: 1 }, lines: { late: 1 } });
  });

  it('get the faults of an exec that come before its event', async () => {
    const early = event(1, 'page_fault_kernel: address=0x300000 ip=elf_load error_code=0x2');
    expect(await records([fault(1, '100000'), early, exec(1)])).toEqual([
      'I m1',
      'A m1 0 1',
      'E m1',
      'F m1 0 1',
      'D m1',
      'I m2',
      'A m2 0 3',
    ]);
    expect(await records([early, fault(1, '400000')])).toEqual(['I m1', 'A m1 0 3', 'A m1 0 4']);
  });

  it('get what an orphan did, once its parent is known', async () => {
    const lines = [
      '0.1 ( 0.000 ms): a/1 minfault [x] => 0x100000 (d.)',
      '  ? (         ): a/2  ... [continued]: clone())   = 0',
      '0.2 ( 0.000 ms): a/2 minfault [x] => 0x200000 (d.)',
      '0.1 ( 0.300 ms): a/1 clone(clone_flags: CHILD_CLEARTID|0x11) = 2 (a)',
      '0.5 (         ): a/2 exit_group()   = ?',
    ];
    expect(await records(lines)).toEqual([
      'I m1',
      'A m1 0 1',
      'I m2',
      'A m2 0 1',
      'A m2 0 2',
      'E m2',
      'F m2 0 1',
      'F m2 0 2',
      'D m2',
    ]);
  });

  it('end with exit_group, threads and all', async () => {
    const lines = [
      '0.1 ( 0.000 ms): a/1 minfault [x] => 0x100000 (d.)',
      '0.2 ( 0.010 ms): a/1 clone3(uargs: 0x7f, size: 88)   = 2',
      '0.3 ( 0.000 ms): a/2 minfault [x] => 0x200000 (d.)',
      '0.5 (         ): a/2 exit_group()   = ?',
    ];
    expect((await records(lines)).at(-1)).toBe('D m1');
  });
});

describe('faults that perf trace knows by file and offset', () => {
  const at = (text: string): string => `0.1 ( 0.010 ms): a/1 ${text}`;
  const map = (address: string, length: number, rest: string): string =>
    at(`mmap(addr: ${address}, len: ${length}, prot: READ, flags: PRIVATE${rest}) = ${address}`);
  const inFile = (path: string, offset: string): string =>
    at(`minfault [x] => ${path}@0x${offset} (d.)`);

  it('lie where the newest file without a path was mapped', async () => {
    const lines = [
      map('0x7f00000000', 0x400000, ', fd: 3'),
      map('0x7f00200000', 0x100000, '|FIXED, fd: 3, off: 0x200000'),
      inFile('/lib/a.so', '210000'),
      map('0x7f80000000', 0x400000, ', fd: 3'),
      inFile('/lib/b.so', '300000'),
      inFile('/lib/a.so', '1000'),
    ];
    expect(await records(lines)).toEqual(['I m1', 'A m1 0 7f002', 'A m1 0 7f803', 'A m1 0 7f000']);
  });

  it('lie behind the first mapping if they are of the loader', async () => {
    const loader = inFile('/usr/lib/ld-linux-x86-64.so.2', '1ab70');
    const first = map('0x7f00000000', 0x100000, '|ANONYMOUS');
    expect(await records([loader, first, loader])).toEqual(['I m1', 'A m1 0 7f001']);
  });

  it('lie below the break if they are of the program', async () => {
    const lines = [
      at('execve(filename: 0x1) = 0'),
      inFile('/bin/a', '1000'),
      at('brk() = 0x560000000000'),
      inFile('/bin/a', '100000'),
    ];
    expect(await records(lines)).toEqual(['I m1', 'A m1 0 55fff80', 'A m1 0 55fff81']);
  });
});

describe('an import is refused', () => {
  const good = `${fault(1, '100000')}\n`;

  it.each([
    ['an empty file', 'empty', 1, ''],
    ['another text', 'unknown-format', 1, 'once upon a time\nthere was a page\n'],
    ['text in UTF-16', 'utf-16', 1, Buffer.from('\ufeff7 brk(NULL) = 0x1000\n', 'utf16le')],
    ['a gzip file cut off', 'truncated', 0, gzipSync(good.repeat(100)).subarray(0, 40)],
    ['lines without an end', 'line-too-long', 1, 'x'.repeat(1_100_000)],
    ['a recording without faults', 'no-faults', 0, `${exec(1)}\n${exit(1)}\n`],
    ['a recording without memory', 'no-tables', 0, '7 fork() = 8\n'],
    [
      'perf script without addresses',
      'no-addresses',
      1,
      ' gcc 149 13.3: 1 page-faults:  7fb2dbb68b70 _start+0x0 (/usr/ld.so)\n',
    ],
    ['many lines that are none', 'unplaced-lines', 2, `${good}a word\n${good.repeat(50)}`],
  ])('%s', async (_name, code, line, content) => {
    const refusal = await importFile(folder.write(content)).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(InputError);
    expect(refusal).toMatchObject({ code, line });
    expect((refusal as InputError).expected).not.toBe('');
    expect((refusal as InputError).message).toContain(folder.path);
  });

  it('for a file that is not there, and leaves nothing behind', async () => {
    const before = readdirSync(folder.path);
    const refusal = await importFile(join(folder.path, 'nothing')).catch((e: unknown) => e);
    expect(refusal).toMatchObject({ code: 'not-found' });
    expect(readdirSync(folder.path)).toEqual(before);
  });

  it('where the output is the input, or lies in no folder', async () => {
    const file = folder.write(good);
    const same = await importFile(file, { output: file }).catch((e: unknown) => e);
    expect(same).toBeInstanceOf(UsageError);
    const nowhere = join(folder.path, 'no', 'where.ptf.gz');
    const lost = await importFile(file, { output: nowhere }).catch((e: unknown) => e);
    expect(lost).toMatchObject({ code: 'bad-output' });
    expect(readFileSync(file, 'utf8')).toBe(good);
  });

  it('when its records or the whole can no longer be written', async () => {
    const file = folder.write(good.repeat(10));
    const name = folder.write('');
    const [well, badly] = [openSync(name, 'w+'), openSync(name, 'r')];
    const streamTo = (fd: number): Writable => writeStream({ option: '-o', file: name, fd });
    for (const [records, whole] of [
      [well, badly],
      [badly, well],
    ] as const) {
      const body = { sink: streamTo(records), source: () => readStream(records) };
      const output = { file: name, whole: streamTo(whole), body };
      const failing = importTrace({ ...DEFAULTS, files: [file], output });
      await expect(failing).rejects.toMatchObject({ name: 'UsageError', code: 'not-written' });
    }
    for (const fd of [well, badly]) closeSync(fd);
  });

  it('when it is stopped, and leaves what was there', async () => {
    const file = folder.write(good.repeat(100_000));
    await importFile(folder.write(good));
    const whole = readFileSync(output);
    const before = readdirSync(folder.path);
    const controller = new AbortController();
    const stopped = importFile(file, {
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('enough')),
    });
    await expect(stopped).rejects.toThrow('enough');
    expect(readdirSync(folder.path)).toEqual(before);
    expect(readFileSync(output)).toEqual(whole);
  });
});

describe('lines that no parser places', () => {
  const lines = [fault(1, '100000'), 'a w\u0001rd', fault(1, '200000'), ''];

  it('are counted and shown, and tolerated where asked for', async () => {
    const file = folder.write(lines.join('\n'));
    const document = await importFile(file, { tolerate: 50, recorder: 'ftrace' });
    expect(document.lines).toMatchObject({ total: 3, used: 2, unplaced: 1 });
    expect(document.unplaced).toEqual([{ file, line: 2, text: 'a w\\x01rd' }]);
    expect(gunzipSync(readFileSync(output)).toString()).toContain('lines=3 unplaced=1 lost=0');
  });

  it('are tolerated up to 1 % as it is', async () => {
    const many = [...new Array<string>(98).fill(fault(1, '100000')), exit(1), 'a word', ''];
    const tolerated = await importFile(folder.write(many.join('\n')));
    expect(tolerated.lines).toMatchObject({ total: 100, unplaced: 1 });
    const fewer = many.slice(1).join('\n');
    const refusal = await importFile(folder.write(fewer)).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'unplaced-lines', line: 99 });
    expect((refusal as Error).message).toContain('1 of 99 lines (1.0 %)');
  });
});
