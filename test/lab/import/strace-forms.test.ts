/** What strace's options, a terminal and other systems make of a log: each form is imported. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { ImportFolder } from '../../fixtures/import-text.js';

const folder = new ImportFolder();

afterAll(() => folder.remove());

const EXEC = 'execve("/bin/a", ["a"], 0x7ffd00000000 /* 9 vars */) = 0';
const BREAK = 'brk(NULL) = 0x555555570000';
const MAP =
  'mmap(NULL, 2097152, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000';
const EXIT = '+++ exited with 0 +++';

/** A stack, what lies below the break, and two tables of a mapping. */
const LIFE = [EXEC, BREAK, MAP, EXIT];
const ONE_LIFE = '1 mms, 1 end; 4 tables, 4 freed';

const of = (pid: number, ...lines: readonly string[]): string[] =>
  lines.map((line) => `${pid}   ${line}`);

describe('a log of one program is the same with', () => {
  const behind = (prefix: string): string[] => LIFE.map((line) => `100   ${prefix}${line}`);

  it.each<[string, readonly string[]]>([
    ['-i', behind('[00007f0000001000] ')],
    ['-n', behind('[  12] ')],
    ['-i -n of 32 bits', behind('[  12] [f7f3a549] ')],
    ['an unknown place', behind('[????????????????] ')],
    ['-Y', LIFE.map((line) => `100<a b> ${line}`)],
    ['-r', behind('     0.000100 ')],
    ['-r -t', behind('12:00:00 (+     0.000100) ')],
    ['-r -tt', behind('12:00:00.5 (+     0.000100) ')],
    ['-r -ttt', behind('1795346177.284751 (+     0.000100) ')],
    ['times in whole seconds', behind('1795346177 ')],
    ['nanoseconds', behind('1795346177.284751123 (+     0.000000123) ')],
    ['no pid', LIFE],
    ['no pid, whole seconds', LIFE.map((line) => `1795346177 ${line}`)],
    [
      'all of them',
      LIFE.map((line) => `100<a> 12:00:00.5 (+ 0.1) [ 12] [00007f0000001000] ${line}`),
    ],
    ['-T', [...of(100, ...LIFE.slice(0, 3).map((line) => `${line} <0.000049>`)), `100 ${EXIT}`]],
  ])('%s', async (_name, lines) => {
    const { document, facts } = await folder.lines(lines);
    expect(facts).toBe(ONE_LIFE);
    expect(document).toMatchObject({ ok: true, warnings: [], lines: { unplaced: 0 } });
  });

  it.each<[string, string]>([
    ['-X verbose', '0x3 /* PROT_READ|PROT_WRITE */, 0x22 /* MAP_PRIVATE|MAP_ANONYMOUS */, -1, 0)'],
    ['-X raw', '0x3, 0x22, -1, 0)'],
    ['-y', 'PROT_READ|PROT_WRITE, MAP_PRIVATE, 3</a, (b> c>, 0)'],
    ['-yy', 'PROT_READ|PROT_WRITE, MAP_SHARED, 3</dev/pts/0<char 136:0>>, 0)'],
    ['an unknown flag', 'PROT_READ|PROT_WRITE, MAP_PRIVATE|0x40 /* MAP_??? */, -1, 0)'],
  ])('a mapping as %s prints it', async (_name, rest) => {
    const map = `mmap(NULL, 0x200000, ${rest} = 0x7f0000000000`;
    expect((await folder.lines(of(100, EXEC, BREAK, map, EXIT))).facts).toBe(ONE_LIFE);
    const old = map.replace('mmap', 'old_mmap');
    expect((await folder.lines(of(100, EXEC, BREAK, old, EXIT))).facts).toBe(ONE_LIFE);
  });

  it.each<[string, readonly string[]]>([
    ['paths of results (-y)', of(100, 'openat(AT_FDCWD</srv>, "/a", O_RDONLY) = 3</srv/a>')],
    ['sockets (-yy)', of(100, 'accept(3<TCP:[1->2]>, NULL) = 4<TCP:[127.0.0.1:1->1.2.3.4:5]>')],
    ['removed files (-y)', of(100, 'dup(3</a>(deleted)) = 4</a>(deleted)')],
    ['results in strings', of(100, 'write(1, "brk(0) = 0 <", 12) = 12')],
    ['stacks (-k)', [' > /usr/lib/libc.so.6(brk+0xb) [0x10fe0b]', ' > no_stack() [0x0]']],
    ['signals', of(100, '--- SIGCHLD {si_signo=SIGCHLD, si_pid=7} ---')],
    ['another mode', ['strace: [ Process PID=100 runs in 32 bit mode. ]']],
    ['what script adds', ['Script started on 2026-01-01 00:00:00+00:00 [TERM="xterm"]']],
    ['empty lines', ['', '']],
    ['data of 100 KB', of(100, `write(1, "${'x) = 1'.repeat(20_000)}", 120000) = 120000`)],
  ])('%s between its lines', async (_name, lines) => {
    const [first = '', ...others] = of(100, ...LIFE);
    const { document, facts } = await folder.lines([first, ...lines, ...others]);
    expect(facts).toBe(ONE_LIFE);
    expect(document.lines.unplaced).toBe(0);
  });

  it('a summary behind it (-C)', async () => {
    const summary = [
      '% time     seconds  usecs/call     calls    errors syscall',
      '------ ----------- ----------- --------- --------- ----------------',
      ' 76.88    0.006452        3226         2         1 wait4',
      '  0.00    0.000000           0         1           vfork',
      '------ ----------- ----------- --------- --------- ----------------',
      '100.00    0.008392          80       104        14 total',
    ];
    const { document, facts } = await folder.lines([...of(100, ...LIFE), ...summary]);
    expect([facts, document.lines.unplaced]).toEqual([ONE_LIFE, 0]);
    await expect(folder.lines(summary)).rejects.toMatchObject({ code: 'no-tables' });
  });

  it.each<[string, Buffer]>([
    ['CR and LF', Buffer.from(`${of(100, ...LIFE).join('\r\n')}\r\n`)],
    ['two CRs, as script writes', Buffer.from(`${of(100, ...LIFE).join('\r\r\n')}\r\r\n`)],
    ['a byte order mark', Buffer.from(`\ufeff${of(100, ...LIFE).join('\n')}\n`)],
    ['colours', Buffer.from(`${of(100, ...LIFE).join('\u001b[0m\n\u001b[1;31m')}\u001b[0m\n`)],
    ['no newline at its end', Buffer.from(of(100, ...LIFE).join('\n'))],
    ['gzip', gzipSync(`${of(100, ...LIFE).join('\n')}\n`)],
  ])('%s', async (_name, bytes) => {
    const { document, facts } = await folder.text(bytes);
    expect(facts).toBe(ONE_LIFE);
    expect(document).toMatchObject({ ok: true, lines: { total: 4, unplaced: 0 } });
  });

  it('without a line that is cut off in a number or a call, which is named', async () => {
    const lines = of(100, EXEC, BREAK, 'munmap(0x7f0000000000, 4096) = 0').join('\n');
    for (const cut of [MAP.slice(0, -3), MAP.slice(0, 30)]) {
      const { document, warnings } = await folder.text(`${lines}\n100 ${cut}`);
      expect(document).toMatchObject({ allocs: { pte: 2 }, unplaced: [] });
      expect(warnings).toContain('cut-off');
      expect(document.warnings.at(-1)?.message).toContain('100 mmap(NULL, ');
    }
  });
});

describe('a line that is broken in two on a terminal', () => {
  it('is put together over what strace says in it', async () => {
    const { document, facts, records } = await folder.lines([
      '[pid   100] execve("/bin/a", ["a"], 0x7ffd00000000 /* 9 vars */) = 0',
      '[pid   100] brk(NULL) = 0x555555570000',
      '[pid   100] clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLDstrace: Process 101' +
        ' attached',
      ', child_tidptr=0x7f0000000a10) = 101',
      `[pid   100] ${MAP.slice(0, 40)}strace: Process 102 attached`,
      'strace: Process 103 attached with 2 threads',
      MAP.slice(40),
      '[pid   100] read(3, strace: Process 104 attached',
      '"\\177ELF"..., 832) = 832',
      '[pid   101] +++ exited with 0 +++',
      '[pid   100] +++ exited with 0 +++',
    ]);
    expect(facts).toBe('2 mms, 2 end; 6 tables, 6 freed');
    expect(records).toContain('A m1 0 7f00001');
    expect(document.lines.unplaced).toBe(0);
  });

  it('has its child before the call returns, which it does on a line of its own', async () => {
    const { facts, warnings } = await folder.lines([
      EXEC,
      BREAK,
      'vfork(strace: Process 101 attached',
      ' <unfinished ...>',
      '[pid   101] execve("/bin/b", ["b"], 0x7ffd00000000 /* 9 vars */) = 0',
      '[pid   100] <... vfork resumed>) = 101',
      '[pid   101] +++ exited with 0 +++',
      '+++ exited with 0 +++',
    ]);
    expect(facts).toBe('2 mms, 2 end; 3 tables, 3 freed');
    expect(warnings).toEqual([]);
  });

  it('is of a call that writes there: what it writes is no line', async () => {
    const { document, facts } = await folder.lines([
      EXEC,
      'write(1, "a\\nb (c", 6a',
      'b (c)                      = 6',
      'write(1, "x\\n", 2x',
      ')                          = 2',
      'write(1, "y\\n", 2y',
      BREAK,
      MAP,
      EXIT,
    ]);
    expect(facts).toBe(ONE_LIFE);
    expect(document.lines.unplaced).toBe(0);
  });
});

describe('the files of strace -ff', () => {
  const write = (name: string, lines: readonly string[], packed = false): string => {
    const file = join(folder.path, name);
    const text = `${lines.join('\n')}\n`;
    writeFileSync(file, packed ? gzipSync(text) : text);
    return file;
  };
  const at = (...timed: readonly (readonly [number, string])[]): string[] =>
    timed.map(([seconds, line]) => `1795346177.${String(seconds).padStart(6, '0')} ${line}`);
  const parent = at(
    [1, EXEC],
    [2, BREAK],
    [3, 'vfork() = 101'],
    [4, 'wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 101'],
    [20, 'clone(child_stack=NULL, flags=SIGCHLD, child_tidptr=0x7f) = 102'],
    [30, EXIT],
  );
  const vforked = at([5, EXEC], [6, BREAK], [7, MAP], [8, 'exit_group(0) = ?'], [9, EXIT]);
  const forked = at([21, MAP], [22, EXIT]);

  it('are put into one order by time', async () => {
    const files = [
      write('x.102', forked),
      write('x.100', parent),
      write('x.101.gz', vforked, true),
    ];
    const { document, facts, warnings } = await folder.all(files);
    expect(facts).toBe('3 mms, 3 end; 10 tables, 10 freed');
    expect(warnings).toEqual([]);
    expect(document.input).toMatchObject({ files, format: 'strace' });
    expect(document.lines).toMatchObject({ total: 13, backwards: 0 });
  });

  it('are named where a line of one is not placed', async () => {
    const files = [write('x.100', parent), write('x.102', [...forked, 'a word'])];
    const { document } = await folder.all(files, { tolerate: 20 });
    expect(document.unplaced).toEqual([{ file: files[1], line: 3, text: '102 a word' }]);
  });

  it('are refused without times, and where they are no such files', async () => {
    const good = write('x.100', parent);
    const untimed = write('x.101', LIFE);
    await expect(folder.all([good, untimed])).rejects.toMatchObject({ code: 'no-times' });
    const unnamed = write('notes.txt', parent);
    await expect(folder.all([good, unnamed])).rejects.toMatchObject({ code: 'not-one-task' });
    const other = folder.all([good, good], { recorder: 'ftrace' });
    await expect(other).rejects.toMatchObject({ code: 'not-one-task' });
    const gone = folder.all([good, join(folder.path, 'x.999')]);
    await expect(gone).rejects.toMatchObject({ code: 'not-found' });
  });
});
