/** Recordings that were told to leave out a whole kind of calls, and programs that need none. */
import { afterAll, describe, expect, it } from 'vitest';
import { ImportFolder } from '../../fixtures/import-text.js';

const folder = new ImportFolder();

afterAll(() => folder.remove());

const EXEC = 'execve("/bin/a", ["a"], 0x7ffd00000000 /* 9 vars */) = 0';
const BREAK = 'brk(NULL) = 0x555555570000';
const UNMAP = 'munmap(0x7f0000000000, 4096) = 0';
const EXIT = '+++ exited with 0 +++';
const ANONYMOUS = 'MAP_PRIVATE|MAP_ANONYMOUS, -1';

/** One call for each part of what a loader maps. */
const maps = (count: number, what = 'MAP_PRIVATE, 3'): string[] =>
  Array.from({ length: count }, (_, i) => {
    const at = (0x7f0000000000 + i * 4096).toString(16);
    return `mmap(NULL, 4096, PROT_READ, ${what}, 0) = 0x${at}`;
  });

describe('calls that strace was told to leave out', () => {
  it.each<[string, readonly string[], string]>([
    ['all', [EXEC, EXIT], 'mmap, munmap, mremap or brk'],
    ['munmap', [EXEC, BREAK, ...maps(16), EXIT], 'munmap'],
    ['brk', [EXEC, ...maps(16), UNMAP, EXIT], 'brk'],
    ['munmap and brk', [EXEC, ...maps(16), EXIT], 'munmap or brk'],
    ['mmap', [EXEC, BREAK, UNMAP, EXIT], 'mmap'],
  ])('are named: %s', async (_name, lines, missing) => {
    const { document, warnings } = await folder.lines(lines);
    expect(warnings).toEqual(['calls-not-recorded!']);
    expect(document.verdict).toBe('inconclusive');
    expect(document.warnings[0]?.message).toContain(`has a call of ${missing}: `);
  });

  it.each<[string, readonly string[]]>([
    ['a program that asks for its break alone', [EXEC, BREAK, EXIT]],
    ['one that maps and never unmaps, without a loader', [EXEC, ...maps(40, ANONYMOUS), EXIT]],
    ['one that was there before', [BREAK, 'mprotect(0x1000, 4096, PROT_READ) = 0', UNMAP, EXIT]],
  ])('are not missed in %s', async (_name, lines) => {
    expect((await folder.lines(lines)).warnings).not.toContain('calls-not-recorded!');
  });
});

describe('calls that perf was not told to record', () => {
  const at = (text: string): string => `a 7/7 1.5: ${text}`;
  const faults = (count: number): string[] =>
    Array.from({ length: count }, (_, i) =>
      at(`page-faults: ${(0x7f0000000 + i).toString(16)}000`),
    );
  const exec = at('PERF_RECORD_COMM exec: a:7/7');
  const exit = at('PERF_RECORD_EXIT(7:7):(6:6)');

  it('are named where there are many faults', async () => {
    const { document, warnings } = await folder.lines([exec, ...faults(64), exit]);
    expect(warnings).toEqual(['calls-not-recorded!']);
    expect(document.warnings[0]?.message).toContain('docs/import.md has the commands');
    const call = ['enter_brk: brk: 0x1000', 'exit_brk: 0x1000'].map((said) =>
      at(`syscalls:sys_${said}`),
    );
    expect((await folder.lines([exec, ...call, ...faults(64), exit])).warnings).toEqual([]);
  });

  it('are not missed in a program that is small', async () => {
    expect((await folder.lines([exec, ...faults(63), exit])).warnings).toEqual([]);
  });

  it('are named where only the mappings have records', async () => {
    const record = (i: number): string =>
      at(`PERF_RECORD_MMAP2 7/7: [0x7f${i}00000(0x1000) @ 0 fe:00 1 0]: r--p /lib/a`);
    const call = ['enter_brk: brk: 0x1000', 'exit_brk: 0x1000'].map((said) =>
      at(`syscalls:sys_${said}`),
    );
    const files = Array.from({ length: 16 }, (_, i) => record(10 + i));
    const { document } = await folder.lines([exec, ...call, ...files, ...faults(1), exit]);
    expect(document.warnings.map(({ message }) => message)).toEqual([
      expect.stringContaining('has a call of munmap: '),
    ]);
  });
});
