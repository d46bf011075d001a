/** Whose lines strace's are, and when each address space ends: what a log says and what not. */
import { afterAll, describe, expect, it } from 'vitest';
import { ImportFolder } from '../../fixtures/import-text.js';

const folder = new ImportFolder();

afterAll(() => folder.remove());

const EXEC = 'execve("/bin/a", ["a"], 0x7ffd00000000 /* 9 vars */) = 0';
const BREAK = 'brk(NULL) = 0x555555570000';
const EXIT = '+++ exited with 0 +++';
const FLAGS = 'flags=CLONE_CHILD_SETTID|SIGCHLD';
const THREAD = 'flags=CLONE_VM|CLONE_FS|CLONE_THREAD';

const mapAt = (address: string): string =>
  `mmap(NULL, 1048576, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = ${address}`;
const MAP = mapAt('0x7f0000000000');
const OTHER = mapAt('0x7f0000100000');

const of = (pid: number, ...lines: readonly string[]): string[] =>
  lines.map((line) => `${pid}   ${line}`);

describe('arguments that are printed when the call returns (strace 4)', () => {
  it('make a thread of a child that was heard of before', async () => {
    const { facts, records } = await folder.lines([
      ...of(100, EXEC, BREAK, 'clone( <unfinished ...>'),
      ...of(101, 'set_robust_list(0x7f, 24) = 0', MAP),
      ...of(100, `<... clone resumed> child_stack=0x7f, ${THREAD}, parent_tidptr=0x7f) = 101`),
      ...of(101, OTHER, EXIT),
      ...of(100, EXIT),
    ]);
    expect(facts).toBe('1 mms, 1 end; 4 tables, 4 freed');
    expect(records).toContain('A m1 0 7f00001');
  });

  it('make a copy for a child that has ended by then, and made one of its own', async () => {
    const { facts, warnings } = await folder.lines([
      ...of(100, EXEC, BREAK, 'clone( <unfinished ...>'),
      ...of(101, MAP, 'clone( <unfinished ...>'),
      ...of(102, OTHER),
      ...of(101, `<... clone resumed> child_stack=NULL, ${FLAGS}) = 102`, EXIT),
      ...of(102, EXIT),
      ...of(100, `<... clone resumed> child_stack=NULL, ${FLAGS}) = 101`, EXIT),
    ]);
    expect(facts).toBe('3 mms, 3 end; 9 tables, 9 freed');
    expect(warnings).toEqual([]);
  });

  it('do not bring a child back that has exec’d and ended', async () => {
    const { facts } = await folder.lines([
      ...of(100, EXEC, BREAK, 'clone( <unfinished ...>'),
      ...of(101, EXEC, EXIT),
      ...of(100, `<... clone resumed> child_stack=NULL, ${FLAGS}) = 101`, EXIT),
    ]);
    expect(facts).toBe('2 mms, 2 end; 3 tables, 3 freed');
  });

  it('may never come: that is said', async () => {
    const lines = [...of(100, EXEC, BREAK, 'clone( <unfinished ...>'), ...of(101, MAP)];
    const { document, warnings } = await folder.lines([...lines, ...of(100, EXIT)]);
    expect(document).toMatchObject({ mms: 1, verdict: 'inconclusive', ok: false });
    expect(warnings).toEqual(['unclaimed-tasks!']);
  });
});

describe('without a line for each exit', () => {
  it('exit_group and exit end processes and threads', async () => {
    const { facts, records, warnings } = await folder.lines([
      ...of(100, EXEC, BREAK, MAP, `clone(child_stack=NULL, ${FLAGS}) = 101`),
      ...of(100, `clone(child_stack=0x7f, ${THREAD}) = 102`),
      ...of(101, 'exit_group(0) = ?'),
      ...of(102, 'exit(0) = ?'),
      ...of(100, 'exit_group(0 <unfinished ...>', '<... exit_group resumed>) = ?'),
    ]);
    expect(facts).toBe('2 mms, 2 end; 6 tables, 6 freed');
    expect(records.indexOf('D m2')).toBeLessThan(records.indexOf('D m1'));
    expect(warnings).toEqual([]);
  });

  it('a wait that returns a child ends it, if it was not only stopped', async () => {
    const waits = (...status: readonly string[]): Promise<{ facts: string }> =>
      folder.lines([
        ...of(100, EXEC, BREAK, `clone(child_stack=NULL, ${FLAGS}) = 101`),
        ...of(101, MAP),
        ...of(100, ...status, 'exit_group(0) = ?'),
      ]);
    const wait4 = (status: string): string => `wait4(-1, [{${status}}], 0, NULL) = 101`;
    const both = '2 mms, 2 end; 5 tables, 5 freed';
    expect((await waits(wait4('WIFSIGNALED(s) && WTERMSIG(s) == SIGKILL'))).facts).toBe(both);
    const info = '{si_signo=SIGCHLD, si_code=CLD_KILLED, si_pid=101, si_uid=0}';
    expect((await waits(`waitid(P_ALL, 0, ${info}, WEXITED, NULL) = 0`)).facts).toBe(both);
    const stopped = await waits(wait4('WIFSTOPPED(s) && WSTOPSIG(s) == SIGSTOP'));
    expect(stopped.facts).toBe('2 mms, 1 end; 5 tables, 2 freed');
  });

  it('what strace said of an exit before 4.7 is one', async () => {
    const { facts } = await folder.lines([
      ...of(100, EXEC, BREAK, `clone(child_stack=NULL, ${FLAGS}) = 101`),
      'Process 101 attached',
      ...of(101, MAP),
      'Process 101 detached',
      'Process 100 detached',
    ]);
    expect(facts).toBe('2 mms, 2 end; 5 tables, 5 freed');
  });

  it('calls that return after their group has ended are no late ones', async () => {
    const { document } = await folder.lines([
      ...of(100, EXEC, BREAK, `clone(child_stack=0x7f, ${THREAD}) = 101`),
      ...of(100, 'exit_group(0) = ?'),
      ...of(101, MAP, EXIT),
      ...of(100, EXIT),
    ]);
    expect(document).toMatchObject({ mms: 1, lines: { late: 0 }, warnings: [] });
  });
});

describe('children that are not followed', () => {
  it('are said, and hold no address space', async () => {
    const wait = 'wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 102';
    const { document, facts, warnings } = await folder.lines([
      EXEC,
      BREAK,
      'vfork() = 101',
      `clone(child_stack=NULL, ${FLAGS}, child_tidptr=0x7f) = 102`,
      wait,
      MAP,
      `clone(child_stack=0x7f, ${THREAD}) = 103`,
      'exit_group(0) = ?',
      EXIT,
    ]);
    expect(facts).toBe('2 mms, 2 end; 5 tables, 5 freed');
    expect(warnings).toEqual(['not-followed!']);
    expect(document.warnings[0]?.message).toContain('strace -f');
    expect(document.verdict).toBe('inconclusive');
  });

  it('end with the log where nobody waited for them', async () => {
    const lines = [EXEC, BREAK, `clone(child_stack=NULL, ${FLAGS}) = 101`, EXIT];
    const { facts, warnings } = await folder.lines(lines);
    expect(facts).toBe('2 mms, 2 end; 4 tables, 4 freed');
    expect(warnings).toEqual(['not-followed!']);
  });

  it('are none where a line of vfork’s child comes after the call (-z)', async () => {
    const lines = [...of(100, EXEC, BREAK, 'vfork() = 101'), ...of(101, EXEC, EXIT)];
    const { facts, warnings } = await folder.lines([...lines, ...of(100, EXIT)]);
    expect(facts).toBe('2 mms, 2 end; 3 tables, 3 freed');
    expect(warnings).toEqual([]);
  });
});

describe('in a pid namespace', () => {
  it('a child belongs to the call during which it was heard of', async () => {
    const { facts, warnings } = await folder.lines([
      ...of(100, EXEC, BREAK, MAP, `clone(child_stack=NULL, ${FLAGS} <unfinished ...>`),
      ...of(101, 'set_robust_list(0x7f, 24) = 0'),
      ...of(100, '<... clone resumed>, child_tidptr=0x7f) = 2'),
      ...of(101, 'exit_group(0) = ?', EXIT),
      ...of(100, EXIT),
    ]);
    expect(facts).toBe('2 mms, 2 end; 6 tables, 6 freed');
    expect(warnings).toEqual([]);
  });

  it('it is not made again where it has ended before the call returns', async () => {
    const { facts, warnings } = await folder.lines([
      ...of(100, EXEC, BREAK, `clone(child_stack=NULL, ${FLAGS} <unfinished ...>`),
      ...of(101, MAP, EXIT),
      ...of(100, '<... clone resumed>, child_tidptr=0x7f) = 2', EXIT),
    ]);
    expect(facts).toBe('2 mms, 2 end; 5 tables, 5 freed');
    expect(warnings).toEqual([]);
  });

  it('one that is heard of later is the one of whom no line has come', async () => {
    const wait = 'wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 2';
    const life = [`clone(child_stack=NULL, ${FLAGS}) = 2`];
    const { facts, warnings } = await folder.lines([
      ...of(100, EXEC, BREAK, ...life),
      ...of(101, MAP, EXIT),
      ...of(100, wait, ...life),
      ...of(102, OTHER),
      ...of(100, wait, EXIT),
    ]);
    expect(facts).toBe('3 mms, 3 end; 8 tables, 8 freed');
    expect(warnings).toEqual([]);
  });

  describe('one that is heard of while the next is made, and the first is not', () => {
    const forks = (first: string, second: string): string[] => [
      ...of(100, EXEC, BREAK, `clone(child_stack=NULL, ${FLAGS}) = ${first}`),
      ...of(100, `clone(child_stack=NULL, ${FLAGS} <unfinished ...>`),
      ...of(101, EXEC),
      ...of(100, `<... clone resumed>, child_tidptr=0x7f) = ${second}`),
      ...of(102, EXEC, BREAK, `${MAP.slice(0, MAP.indexOf(')'))} <unfinished ...>`),
      ...of(101, EXIT),
      ...of(100, 'wait4(-1, NULL, 0, NULL) = 2'),
      ...of(102, '<... mmap resumed>) = 0x7f0000000000', EXIT),
      ...of(100, 'wait4(-1, NULL, 0, NULL) = 3', EXIT),
    ];

    it('is the one that strace translates', async () => {
      const { document, warnings } = await folder.lines(
        forks("2 /* 101 in strace's PID NS */", "3 /* 102 in strace's PID NS */"),
      );
      expect(warnings).toEqual([]);
      expect(document).toMatchObject({ mms: 5, lines: { unplaced: 0 } });
    });

    it('or is guessed, which is said', async () => {
      const { document, warnings } = await folder.lines(forks('2', '3'));
      expect(warnings).toEqual(['guessed-children!']);
      expect(document).toMatchObject({ mms: 5, lines: { unplaced: 0 } });
    });

    it('but is known where the calls return the pids of the lines', async () => {
      const { document, warnings } = await folder.lines(forks('101', '102'));
      expect(warnings).toEqual([]);
      expect(document.mms).toBe(5);
    });
  });

  it('two that are heard of while two calls run have one of them each', async () => {
    const { facts } = await folder.lines([
      ...of(100, EXEC, BREAK, `clone(child_stack=NULL, ${THREAD}) = 2`),
      ...of(101, 'clone( <unfinished ...>'),
      ...of(100, 'clone( <unfinished ...>'),
      ...of(102, MAP),
      ...of(103, MAP),
      ...of(100, `<... clone resumed> child_stack=NULL, ${FLAGS}) = 3`),
      ...of(101, `<... clone resumed> child_stack=NULL, ${FLAGS}) = 4`),
      ...[103, 102, 101, 100].flatMap((pid) => of(pid, EXIT)),
    ]);
    expect(facts).toBe('3 mms, 3 end; 8 tables, 8 freed');
  });
});

describe('threads that strace was attached to', () => {
  const lines = [
    '[pid   102] futex(0x7f0000000000, FUTEX_WAIT_PRIVATE, 0, NULL <unfinished ...>',
    `[pid   101] ${MAP}`,
    `[pid   100] ${OTHER}`,
    '[pid   102] <... futex resumed>) = 0',
    '[pid   102] munmap(0x7f0000100000, 1048576) = 0',
  ];

  it('share an address space, as strace says how many they are', async () => {
    const attached = 'strace: Process 100 attached with 3 threads';
    const { document, facts, warnings } = await folder.lines([attached, ...lines]);
    expect(facts).toBe('1 mms, 0 end; 2 tables, 1 freed');
    expect([document.verdict, warnings]).toEqual(['holds', ['mms-never-end']]);
  });

  it('are of two processes where strace names two', async () => {
    const { facts } = await folder.lines([
      'strace: Process 100 attached with 2 threads',
      'strace: Process 200 attached with 2 threads',
      `[pid   201] ${MAP}`,
      `[pid   101] ${MAP}`,
      `[pid   200] ${OTHER}`,
      `[pid   100] ${OTHER}`,
    ]);
    expect(facts).toBe('2 mms, 0 end; 4 tables, 0 freed');
  });

  it('are guessed where it does not say so, and that is said', async () => {
    const { document, facts, warnings } = await folder.lines(lines);
    expect(facts).toBe('1 mms, 0 end; 2 tables, 1 freed');
    expect(warnings).toEqual(['guessed-threads!', 'mms-never-end']);
    expect(document.ok).toBe(false);
  });

  it('are no threads where they begin as programs do', async () => {
    const { facts, warnings } = await folder.lines([
      ...of(100, BREAK, MAP),
      ...of(101, BREAK, MAP, 'munmap(0x7f0000000000, 1048576) = 0'),
    ]);
    expect(facts).toBe('2 mms, 0 end; 2 tables, 1 freed');
    expect(warnings).toEqual(['unannounced-tasks!', 'mms-never-end!']);
  });
});

describe('lines without a pid', () => {
  it('are of the child when the first process has ended', async () => {
    const { document, facts } = await folder.lines([
      EXEC,
      BREAK,
      `clone(child_stack=NULL, ${FLAGS}strace: Process 101 attached`,
      ') = 101',
      `[pid   100] ${EXIT}`,
      MAP,
      EXIT,
    ]);
    expect(facts).toBe('2 mms, 2 end; 5 tables, 5 freed');
    expect(document.lines.late).toBe(0);
  });
});

describe('an exec that is not in the log', () => {
  it('is seen by the break of another program, and said', async () => {
    const { facts, warnings } = await folder.lines([
      ...of(100, EXEC, BREAK, `clone(child_stack=NULL, ${FLAGS}) = 101`),
      ...of(101, 'brk(NULL) = 0x564555570000', 'brk(0x564555591000) = 0x564555591000', EXIT),
      ...of(100, EXIT),
    ]);
    expect(facts).toBe('3 mms, 3 end; 6 tables, 6 freed');
    expect(warnings).toEqual(['unseen-execs!']);
  });
});
