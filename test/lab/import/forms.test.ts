/** Forms of the texts of perf and ftrace, how they are recognised, and what a whole trace lacks. */
import { afterAll, describe, expect, it } from 'vitest';
import { ImportFolder } from '../../fixtures/import-text.js';
import { parsed } from '../../fixtures/parsed-lines.js';

const folder = new ImportFolder();

afterAll(() => folder.remove());

describe('perf script prints faults', () => {
  const read = (...lines: readonly string[]): string[] => parsed('perf-script', ...lines);
  const stack = '\t    ffffffff8175336a elf_load+0x28a ([kernel.kallsyms])';

  it.each<[string, string]>([
    [
      'with the symbol of the address, and a place',
      'a  7 8.5: 1 page-faults:  1240 e+0x0 (/b) 401000 f+0x0 (/b)',
    ],
    [
      'with symbols, without files',
      'a  7 8.5: 1 page-faults:  1240 environ ffffffff817554ea elf_load',
    ],
    ['with places without symbols', 'a  7 8.5: page-faults:  1240 401000'],
    [
      'with symbols of C++',
      'a  7 8.5: 1 page-faults:  1240 f(int, T<1>) (/b) 401000 g(x)+0x1 (/b)',
    ],
    ['with its mode', 'a  7 KH   8.5:  1 page-faults:  1240'],
    ['without a command', '7  8.5: page-faults:  1240'],
    ['with nanoseconds', 'a  7  8.500000000: page-faults:  1240'],
  ])('%s', (_name, line) => {
    expect(read(line)).toEqual(['8500000 fault 7 1240']);
  });

  it('without times', () => {
    expect(
      read('a  7 page-faults:  1240', 'a  7   1 page-faults:  2240 e+0x0 (/b) 4010 f (/b)'),
    ).toEqual(['100 fault 7 1240', '200 fault 7 2240']);
  });

  it('with stacks: then one number and a symbol are an address', () => {
    expect(read('a  7 8.5: 1 page-faults:  1240 environ+0x0 (/b)', stack)).toEqual([
      '8500000 fault 7 1240',
      'skipped',
    ]);
    expect(read('a  7 8.5: 1 page-faults:  1240 environ+0x0 (/b)')).toEqual(['unplaced']);
    expect(read('\t               0 [unknown] ([unknown])', '  elf.c:12', '  b[1240]')).toEqual([
      'skipped',
      'skipped',
      'skipped',
    ]);
  });

  const fault = (at: string): string => `a  7/7 8.5: 1 page-faults:  ${at}`;
  const ends = 'a  7/7 9.0: PERF_RECORD_EXIT(7:7):(1:1)';

  it('at places in programs and the kernel, which are no addresses of faults', async () => {
    const places = [fault('ffffffff8175336a'), fault('7f2edc8beb70'), ends];
    await expect(folder.lines(places)).rejects.toMatchObject({ code: 'no-addresses' });
  });

  it('of which each stands for several: that is said', async () => {
    const sampled = fault('2240').replace(' 1 page', ' 17 page');
    const { warnings } = await folder.lines([fault('1240'), sampled, ends]);
    expect(warnings).toEqual(['sampled-faults!']);
  });

  it('without what happens to tasks: that is said', async () => {
    const unmapping = [
      'a 7/7 8.6: syscalls:sys_enter_munmap: addr: 0x1000, len: 0x1000',
      'a 7/7 8.7: syscalls:sys_exit_munmap: 0x0',
    ];
    const { warnings } = await folder.lines([fault('1240'), ...unmapping, fault('2240')]);
    expect(warnings).toEqual(['no-task-events!', 'mms-never-end']);
  });
});

describe('perf trace prints', () => {
  const read = (...lines: readonly string[]): string[] => parsed('perf-trace', ...lines);

  it('one process without its name, or without its command', () => {
    expect(
      read(
        ' 0.100 ( 0.000 ms): minfault [main+0x3e] => //anon@0x7fd5c3e00000 (d.)',
        ' 0.200 ( 0.010 ms): 7 munmap(addr: 0x5000, len: 4096) = 0',
      ),
    ).toEqual(['100 fault 0 7fd5c3e00000', '210 unmap 7 5000-6000']);
  });

  it('what began before it with a time that is none', () => {
    const line = '18446734852687.137 ( 0.000 ms): a/7 minfault [x] => 0x5000 (d.)';
    expect(read(' 1.000 ( 0.000 ms): a/7 brk() = 0x1000', line)).toEqual([
      '1000 brk 7 1000',
      '1000 fault 7 5000',
    ]);
  });

  it('stacks and summaries', () => {
    const lines = [
      '                                       do_syscall_64 ([kernel.kallsyms])',
      ' Summary of events:',
      ' a b (5589), 66 events, 72.5%, 48 minfaults',
      '   syscall            calls  errors  total       min       avg       max       stddev',
      '                                     (msec)    (msec)    (msec)    (msec)        (%)',
      '   --------------- --------  ------ -------- --------- --------- ---------     ------',
      '   mmap                   8      0     0.163     0.018     0.020     0.024      3.51%',
    ];
    expect(read(...lines)).toEqual(lines.map(() => 'skipped'));
  });

  it('faults alone, of which no table is ever freed: that is said', async () => {
    const { document, facts, warnings } = await folder.lines([
      '     0.000 ( 0.000 ms): a/100 minfault [_start+0x0] => /usr/bin/a@0x1000 (d.)',
      '     0.100 ( 0.000 ms): b/101 minfault [_start+0x0] => 0x7f0000000000 (?k)',
    ]);
    expect(facts).toBe('2 mms, 0 end; 2 tables, 0 freed');
    expect([document.verdict, warnings]).toEqual([
      'inconclusive',
      ['unannounced-tasks!', 'nothing-freed!'],
    ]);
  });

  it('no flags of clone3: that is said', async () => {
    const { warnings } = await folder.lines([
      ' 0.1 ( 0.000 ms): a/1 minfault [x] => 0x100000 (d.)',
      ' 0.2 ( 0.010 ms): a/1 clone3(uargs: 0x7f, size: 88)   = 2',
      ' 0.5 (         ): a/1 exit_group()   = ?',
    ]);
    expect(warnings).toEqual(['guessed-threads']);
  });
});

describe('ftrace', () => {
  const read = (...lines: readonly string[]): string[] => parsed('ftrace', ...lines);
  const at = (task: number, text: string): string => ` a-${task}   [001] d....  1.5: ${text}`;

  it('prints fields by their types', () => {
    expect(
      read(
        at(7, 'page_fault_user: address=0x5240 (21056) ip=f+0x28a/0x2b0 (-2) error_code=0x2 (2)'),
        at(7, 'task_newtask: pid=0x1984 (6532) comm=sh clone_flags=0x1200000 (18874368)'),
        at(7, 'sched_process_exec: filename=/a pid=0x7 (7) old_pid=0x9 (9)'),
        at(7, 'sys_enter_munmap: __syscall_nr=0xb (11) addr=0x5000 (20480) len=0x2000 (8192)'),
        at(7, 'sys_exit_munmap: __syscall_nr=0xb (11) ret=0x0 (0)'),
      ),
    ).toEqual([
      '1500000 fault 7 5240',
      '1500000 birth 7 6532 fork since 1500000',
      '1500000 exec 7 from 9',
      '-',
      '1500000 unmap 7 5000-7000',
    ]);
  });

  it('prints types of arguments (verbose), and in the form for latencies', () => {
    expect(
      read(
        at(7, 'sys_munmap(unsigned long addr: 0x5000, unsigned long len: 0x1000)'),
        at(7, 'sys_munmap -> 0x0'),
        '      sh-6532      1dN... 44070us+: page_fault_user: address=0x5240 ip=f error_code=0x2',
        '      sh-6532      1..... 45882us : sys_brk -> 0x1000',
      ),
    ).toEqual(['-', '1500000 unmap 7 5000-6000', '44070 fault 6532 5240', '45882 brk 6532 1000']);
  });

  it('has stacks, which belong to no event', () => {
    const lines = [at(7, '<stack trace>'), ' => exc_page_fault', at(7, '<user stack trace>')];
    expect(read(...lines)).toEqual(['skipped', 'skipped', 'skipped']);
  });

  it('names the process of a thread that is older than the recording', () => {
    const line = ' a-9   (      7) [001] d....  1.5: page_fault_user: address=0x5240 ip=f';
    expect(read(line, line)).toEqual([
      '1500000 birth 7 9 thread since 1500000',
      '1500000 fault 9 5240',
      '1500000 fault 9 5240',
    ]);
  });

  it('tells of threads of the kernel, which have no address space', () => {
    expect(read(at(2, 'task_newtask: pid=9 comm=kthreadd clone_flags=800300'))).toEqual([
      'skipped',
    ]);
  });

  it('can have a clock that counts no seconds: that is said', async () => {
    const line = (time: string, text: string): string => ` a-7   [001] d....  ${time}: ${text}`;
    const { document, warnings } = await folder.lines([
      line('       832944', 'page_fault_user: address=0x5240 ip=f'),
      line('20369259512955', 'sched_process_exit: comm=a pid=7 prio=120'),
    ]);
    expect([document.ok, warnings]).toEqual([true, ['no-clock']]);
  });
});

describe('a text is recognised by its lines', () => {
  const wait = '100   12:00:00 epoll_wait(3, {{EPOLLIN, {u32=5, u64=5}}}, 64, 4294967295) = 1';
  const waits = new Array<string>(250).fill(wait);

  it('where none of the first ones uses memory', async () => {
    const program = ['execve("/a", ["a"], 0x1 /* 1 var */) = 0', '+++ exited with 0 +++'];
    const { document } = await folder.lines([...waits, ...program.map((line) => `100   ${line}`)]);
    expect(document).toMatchObject({ input: { format: 'strace' }, mms: 1 });
  });

  it('where none at all does: then that is what is said', async () => {
    const refused = folder.lines(waits);
    await expect(refused).rejects.toMatchObject({ code: 'no-tables' });
    await expect(refused).rejects.toThrow('nothing uses memory in 250 lines of strace');
  });

  it('behind comments that are longer than what is looked at', async () => {
    const header = new Array<string>(300).fill('# a comment of perf');
    const { document } = await folder.lines([
      ...header,
      'a  7/7 8.5: page-faults:  1240',
      'a  7/7 9.0: PERF_RECORD_EXIT(7:7):(1:1)',
    ]);
    expect(document).toMatchObject({ input: { format: 'perf-script' }, ok: true });
  });
});

describe('to tolerate lines is advised', () => {
  const exec = '7 execve("/a", ["a"], 0x1 /* 1 var */) = 0';

  it('where it helps, and only there', async () => {
    await expect(folder.lines([exec, exec, 'a word'])).rejects.toThrow('or --tolerate 34');
    const useless = [exec, ...new Array<string>(9).fill('a word')];
    for (const lines of [useless, ['7 close(3) = 0', '7 close(3) = 0', 'a word']]) {
      const refused = folder.lines(lines);
      await expect(refused).rejects.toMatchObject({ code: 'unplaced-lines' });
      await expect(refused).rejects.not.toThrow('or --tolerate');
    }
  });
});

describe('long lines are read in time that grows with their length', () => {
  const LENGTH = 1_000_000;

  it.each<[string, string]>([
    ['words', 'a'.repeat(LENGTH)],
    ['spaces', ' '.repeat(LENGTH)],
    ['parentheses', `7 clone(${'('.repeat(LENGTH)}`],
    ['comments', `7 clone(${' /*'.repeat(LENGTH / 3)}`],
    ['paths', `7 clone(${'3<a'.repeat(LENGTH / 3)}`],
    ['quotes', `7 clone(${'"\\"'.repeat(LENGTH / 3)}`],
    ['results', `7 mmap(${') = 1x'.repeat(LENGTH / 6)}`],
    ['notices', 'Process 1 attached '.repeat(LENGTH / 19)],
    ['carriage returns', `${'\r'.repeat(LENGTH)}x\r`],
    ['digits', '1'.repeat(LENGTH)],
    ['targets', `0.1 ( 0.1 ms): a/1 minfault [${'x] => '.repeat(LENGTH / 6)}`],
  ])(
    'of %s',
    async (_name, long) => {
      const exec = '7 execve("/a", ["a"], 0x1 /* 1 var */) = 0';
      const lines = [exec, long, long, long, '7 exit_group(0) = ?'];
      const { document } = await folder.lines(lines, { tolerate: 100 });
      expect(document.mms).toBe(1);
    },
    5000,
  );
});
