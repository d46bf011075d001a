/** Logs that strace was told to write in another order, or not to the end. */
import { afterAll, describe, expect, it } from 'vitest';
import { ImportFolder } from '../../fixtures/import-text.js';

const folder = new ImportFolder();

afterAll(() => folder.remove());

const EXEC = 'execve("/bin/a", ["a"], 0x7ffd00000000 /* 9 vars */) = 0';
const BREAK = 'brk(NULL) = 0x555555570000';
const EXIT = '+++ exited with 0 +++';
const FORK = 'clone(child_stack=NULL, flags=SIGCHLD';
const forked = (child: number): string => `${FORK}, child_tidptr=0x7f) = ${child}`;
/** Pid, seconds, and what stands behind them. */
const line = (pid: number, second: number, text: string): string =>
  `${pid} ${(1_795_753_000 + second / 1000).toFixed(6)} ${text}`;

describe('calls that are printed when they have returned (-z)', () => {
  const late = [
    line(10, 0, EXEC),
    line(10, 1, BREAK),
    line(11, 20, forked(12)),
    line(10, 10, forked(11)),
    line(12, 40, EXIT),
    line(11, 60, EXIT),
    line(10, 70, EXIT),
  ];

  it('are noticed behind lines of their child', async () => {
    expect((await folder.lines(late)).warnings).toContain('late-calls!');
  });

  it('are noticed without times', async () => {
    const untimed = late.map((each) => each.replace(/ \d+\.\d+/, ''));
    expect((await folder.lines(untimed)).warnings).toContain('late-calls!');
  });

  it('are nothing odd in their order', async () => {
    const inOrder = [...late].sort((a, b) => a.slice(3).localeCompare(b.slice(3)));
    expect((await folder.lines(inOrder)).warnings).toEqual([]);
  });

  it('are read with their end in a line without a pid', async () => {
    const { document, warnings, facts } = await folder.lines([
      line(10, 0, EXEC),
      line(10, 1, BREAK),
      line(10, 10, `${FORK} <unfinished ...>`),
      ', child_tidptr=0x7ffff7dd2a10)          = 11',
      line(11, 20, EXIT),
      line(10, 70, EXIT),
    ]);
    expect(warnings).toEqual(['late-calls!']);
    expect(document.lines.unplaced).toBe(0);
    expect(facts).toBe('2 mms, 2 end; 4 tables, 4 freed');
  });
});

describe('a task that strace left', () => {
  const left = (call: string): Promise<{ readonly warnings: readonly string[] }> =>
    folder.lines([
      line(10, 0, EXEC),
      line(10, 1, BREAK),
      line(10, 2, forked(11)),
      line(11, 3, `${call} <detached ...>`),
      line(10, 70, EXIT),
    ]);

  it('at its exec (-b execve) is missed', async () => {
    const { warnings } = await left('execve("/bin/a", ["a"], 0x7ffd00000000 /* 9 vars */');
    expect(warnings).toContain('detached-tasks!');
  });

  it('when it was stopped itself is not', async () => {
    const { warnings } = await left('futex(0x7f0000000000, FUTEX_WAIT_PRIVATE, 0, NULL');
    expect(warnings).not.toContain('detached-tasks!');
  });
});

describe('a clock that goes back', () => {
  const life = (pid: number, from: number): string[] => [
    line(pid, from, EXEC),
    line(pid, from + 1, BREAK),
    line(pid, from + 2, EXIT),
  ];

  it('by more than recorders put lines out of order is said to', async () => {
    const { document, warnings } = await folder.lines([...life(10, 5000), ...life(11, 0)]);
    expect(warnings).toEqual(['clock-went-back!']);
    expect(document.warnings[0]?.message).toContain('goes back in line 4,');
  });

  it('by less is nothing odd', async () => {
    const { warnings } = await folder.lines([...life(10, 500), ...life(11, 0)]);
    expect(warnings).not.toContain('clock-went-back!');
  });
});
