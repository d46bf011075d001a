/** What the parsers make of lines: every shape that recorders were seen to print. */
import { describe, expect, it } from 'vitest';
import { recognise } from '#src/lab/import/recorders.js';
import { parsed } from '../../fixtures/parsed-lines.js';

describe('perf trace', () => {
  const read = (...lines: readonly string[]): string[] => parsed('perf-trace', ...lines);

  it('has faults by address, and by file and offset', () => {
    expect(
      read(
        '     0.000 ( 0.000 ms): h/9043 minfault [elf_load+0x28a] => 0x55d192229030 (?k)',
        '     0.170 ( 0.000 ms): h/9043 majfault [_start+0x0] => /usr/lib/ld.so.2@0x1ab70 (d.)',
        '     0.180 ( 0.000 ms): h/9043 minfault [f(int)+0x0] => //anon@0x7f2ba913ce78 (d.)',
        '     0.190 ( 0.000 ms): h/9043 minfault [[unknown]] => [heap]@0x11b8f010 (d.)',
        '     0.200 ( 0.000 ms): h/9043 minfault [x] => /a b @ (c)/d@0x10 (d.)',
      ),
    ).toEqual([
      '0 fault 9043 55d192229030 early',
      '170 file-fault 9043 /usr/lib/ld.so.2 1ab70',
      '180 fault 9043 7f2ba913ce78',
      '190 fault 9043 11b8f010',
      '200 file-fault 9043 /a b @ (c)/d 10',
    ]);
  });

  it('has calls that return, at the time of their return', () => {
    expect(
      read(
        '   0.549 ( 0.017 ms): make/7 mmap(len: 8192, prot: READ|WRITE, flags:' +
          ' PRIVATE|ANONYMOUS) = 0x7fda1145f000',
        '   1.000 ( 0.010 ms): V8 (w) 1/7 mmap(len: 8192, flags: PRIVATE|ANONYMOUS|STACK) =' +
          ' 0x7f2ba893d000',
        '   2.000 ( 0.010 ms): a/7 mmap(len: 8192, prot: READ, flags: SHARED|POPULATE, fd:' +
          ' 4) = -1 ENOMEM (Cannot allocate memory)',
        '   3.000 ( 0.010 ms): a/7 munmap(addr: 0x7fda1145f000, len: 5000)   = 0',
        '   4.000 ( 0.010 ms): a/7 mremap(addr: 0x1000, old_len: 4096, new_len: 8192, flags:' +
          ' MAYMOVE) = 0x9000',
        '   5.000 ( 0.010 ms): a/7 brk(brk: 0x1f32000)      = 0x1f32000',
        '   6.000 ( 0.010 ms): a/7 openat(dfd: CWD, filename: "x = 0x7f") = 3',
        '   7.000 ( 0.010 ms): a/7 mprotect(start: 0x5000, len: 4096, prot: READ) = 0',
        '   8.000 (18446744073707.898 ms): a/7 brk()        = 0x1f32000',
      ),
    ).toEqual([
      '566 map 7 7fda1145f000-7fda11461000 accessible anonymous replaces writable',
      '1010 map 7 7f2ba893d000-7f2ba893f000 anonymous downwards replaces',
      '-',
      '3010 unmap 7 7fda1145f000-7fda11461000',
      '4010 remap 7 1000-2000 9000-b000',
      '5010 brk 7 1f32000',
      'skipped',
      '7010 protect 7 5000-6000',
      '8000 brk 7 1f32000',
    ]);
  });

  it('has calls that are continued, with the arguments of their beginning', () => {
    expect(
      read(
        '  1.000 (         ): a/7 mmap(addr: 0x3000, len: 4096, prot: READ, flags:' +
          ' PRIVATE|FIXED, fd: 3, off: 0x1000) ...',
        '  1.100 ( 0.000 ms): a/8 minfault [x] => 0x5000 (d.)',
        '  1.000 ( 0.300 ms): a/7  ... [continued]: mmap())   = 0x3000',
        '        ? (         ): a/9  ... [continued]: execve())   = 0',
      ),
    ).toEqual([
      '-',
      '1100 fault 8 5000',
      '1300 map 7 3000-4000 accessible fixed replaces',
      '1300 exec 9',
    ]);
  });

  it('has tasks by tracepoints, and then believes no call', () => {
    expect(
      read(
        '245.030 (         ): n/7 clone3(uargs: 0x7ffd27676490, size: 88)      ...',
        '245.238 (         ): n/7 task:task_newtask(pid: 8 (n), comm: "n", clone_flags: 4001536)',
        '245.030 ( 0.240 ms): n/7  ... [continued]: clone3())     = 8',
        '246.000 (         ): n/8 sched:sched_process_exit(comm: "n", pid: 8 (n), prio: 120)',
        '247.000 (         ): n/7 exit_group()        = ?',
        '248.000 (         ): n/7 sched:sched_switch(prev_comm: "a")',
      ),
    ).toEqual(['-', '245238 birth 7 8 thread since 245238', '-', '246000 exit 8', '-', 'skipped']);
  });

  it('has tasks by calls alone', () => {
    expect(
      read(
        '   ? (         ): g/8  ... [continued]: vfork())            = 0',
        '17.496 (         ): g/7 vfork()          ...',
        '17.496 (11.536 ms): g/7  ... [continued]: vfork())         = 8',
        '20.000 ( 1.000 ms): g/7 clone(clone_flags: CHILD_CLEARTID|0x11, child_tidptr: 0x7f)' +
          ' = 9 (g)',
        '22.000 ( 1.000 ms): g/7 clone(clone_flags: VM|FS|THREAD) = 10 (g)',
        '24.000 ( 1.000 ms): g/7 clone3(uargs: 0x7f, size: 88) = 11',
        '26.000 (         ): g/7 exit_group()     = ?',
      ),
    ).toEqual([
      '0 orphan 8',
      '-',
      '29032 birth 7 8 vfork since 17496',
      '21000 birth 7 9 fork since 20000',
      '23000 birth 7 10 thread since 22000',
      '25000 birth 7 11 thread since 24000',
      '26000 exit-group 7',
    ]);
  });

  it('tells what it lost, and what is none of its lines', () => {
    expect(read('LOST 12 events!', '', 'a word', ' 1.000 ( 0.1 ms): a/7 ???')).toEqual([
      'lost',
      'skipped',
      'unplaced',
      'unplaced',
    ]);
  });
});

describe('perf script', () => {
  const read = (...lines: readonly string[]): string[] => parsed('perf-script', ...lines);

  it('has faults, with one number or two for the task, and with a CPU or none', () => {
    expect(
      read(
        '     cc1  9035/9036  [000]   778.769734: page-faults:          23cc978',
        '     V8 W 3 9035   778.769735: page-faults:u:     7fd227b40110 ',
        '     cc1  9035/9035   778.769736:          1 minor-faults:  7f00 1ab70 f+0x1 (/usr/bin/x)',
        '     cc1  9035 [001] 778.8: exceptions:page_fault_user: address=0x564d ip=0x1' +
          ' error_code=0x4',
        '     cc1  9035/9035   778.9: page-faults:  ffffffffff600000',
      ),
    ).toEqual([
      '778769734 birth 9035 9036 thread since 778769734',
      '778769734 fault 9036 23cc978',
      '778769735 fault 9035 7fd227b40110',
      '778769736 fault 9035 7f00',
      '778800000 fault 9035 564d',
      'skipped',
    ]);
  });

  it('without addresses is not taken for what it is not', () => {
    const line = '  gcc 14935 13523.327986: 1 page-faults:  7fb2dbb68b70 _start+0x0 (/usr/ld.so)';
    expect(read(line)).toEqual(['unplaced']);
  });

  it("has perf's own records", () => {
    const at = 'node 7/7 5.0:';
    expect(
      read(
        `${at} PERF_RECORD_COMM exec: no de:7/7`,
        `${at} PERF_RECORD_COMM: V8:7/7`,
        `${at} PERF_RECORD_MMAP2 7/7: [0x400000(0x2000) @ 0x1000 fe:00 26 0]: r-xp /usr/bin/node`,
        `${at} PERF_RECORD_MMAP2 7/7: [0x700000(0x1000) @ 0 00:00 0 0]: rw-s /dev/zero (deleted)`,
        `${at} PERF_RECORD_MMAP2 7/7: [0x800000(0x1000) @ 0 00:00 0 0]: r-xp [vdso]`,
        `${at} PERF_RECORD_MMAP -1/0: [0xffffffff81000000(0x9988) @ 0xffffffff81000000]: x` +
          ' [kernel]',
        `${at} PERF_RECORD_FORK(7:8):(7:7)`,
        `${at} PERF_RECORD_EXIT(7:8):(7:7)`,
        `${at} PERF_RECORD_LOST lost 12`,
        `${at} PERF_RECORD_SWITCH OUT`,
      ),
    ).toEqual([
      '5000000 exec 7',
      'skipped',
      '5000000 map 7 400000-402000 accessible fixed',
      '5000000 map 7 700000-701000 accessible fixed shared writable',
      '5000000 map 7 800000-801000 accessible anonymous fixed',
      'skipped',
      '5000000 birth 7 8 thread since 5000000',
      '5000000 exit 8',
      'lost',
      'skipped',
    ]);
  });

  it('tells a fork from a vfork by the tracepoint, where there is one', () => {
    const fork = 'sh 7/7 5.0: PERF_RECORD_FORK(8:8):(7:7)';
    const newtask = 'sh 7/7 5.1: task:task_newtask: pid=8 comm=sh clone_flags=4100 oom_score_adj=0';
    const fault = 'sh 8/8 5.2: page-faults: 1000';
    expect(read(fork, newtask, fault)).toEqual([
      '-',
      '5100000 birth 7 8 vfork since 5100000',
      '5200000 fault 8 1000',
    ]);
    expect(read(fork, fault)).toEqual([
      '-',
      '5200000 birth 7 8 fork since 5000000',
      '5200000 fault 8 1000',
    ]);
  });

  it('believes one source of execs and exits: the first', () => {
    const exec = 'a 7/7 5.0: PERF_RECORD_COMM exec: a:7/7';
    const point = 'a 7/7 5.1: sched:sched_process_exec: filename=/a pid=7 old_pid=7';
    expect(read(exec, point)).toEqual(['5000000 exec 7', 'skipped']);
    expect(read(point, exec)).toEqual(['5100000 exec 7', 'skipped']);
  });

  it('has calls as pairs of tracepoints', () => {
    const enter = 'a 7/7 5.0: syscalls:sys_enter';
    const exit = 'a 7/7 5.1: syscalls:sys_exit';
    expect(
      read(
        `${enter}_mmap: addr: 0x00000000, len: 0x00002000, prot: 0x00000003, flags:` +
          ' 0x00000022, fd: 0xffffffff, off: 0x00000000               0',
        'b 8/8 5.0: syscalls:sys_enter_munmap: addr: 0x5000, len: 0x1000               0',
        `${exit}_mmap: 0x7fd227b02000               0`,
        'b 8/8 5.1: syscalls:sys_exit_munmap: 0x0               0',
        `${enter}_mmap: addr: 0, len: 0x1000, prot: 0x0, flags: 0x4022, fd: 0, off: 0`,
        `${exit}_mmap: 0xfffffffffffffff4`,
        `${exit}_brk: 0x23508000               0`,
        `${exit}_munmap: 0x0`,
        `${enter}_openat: dfd: 0x3`,
      ),
    ).toEqual([
      '-',
      '-',
      '5100000 map 7 7fd227b02000-7fd227b04000 accessible anonymous replaces writable',
      '5100000 unmap 8 5000-6000',
      '-',
      '-',
      '5100000 brk 7 23508000',
      'skipped',
      'skipped',
    ]);
  });

  it('may have call chains', () => {
    expect(read('\t    7fb2dbb68b70 _start+0x0 (/usr/ld.so)', '', 'a word')).toEqual([
      'skipped',
      'skipped',
      'unplaced',
    ]);
  });
});

describe('ftrace', () => {
  const read = (...lines: readonly string[]): string[] => parsed('ftrace', ...lines);

  it("has the trace file's form, with and without the group", () => {
    expect(
      read(
        '# tracer: nop',
        ' s390x-linux-gnu-15123   [000] d....  1225.958837: page_fault_user:' +
          ' address=0x564d3bee32c0 ip=_x error_code=0x14',
        ' a b-15123   (  15120) [000] d....  1225.958838: page_fault_kernel:' +
          ' address=0x55b6a16b9068 ip=elf_load error_code=0x2',
        '  a-15123   (-------) [000] .....  1225.958839: sys_mremap(addr: 7fa237a00000,' +
          ' old_len: 0x800000, new_len: 0x4000000, flags: 1, new_addr: 0)',
        '  a-15123   [001] .....  1225.958840: sys_mremap -> 0x7fa233a00000',
        '  a-15123   [001] .....  1225.958841: sys_brk(brk: 0)',
        '  a-15123   [001] .....  1225.958842: sys_brk -> 0x1000',
        '  a-15123   [001] .....  1225.958843: sched_switch: prev_comm=a',
      ),
    ).toEqual([
      'skipped',
      '1225958837 fault 15123 564d3bee32c0',
      '1225958838 fault 15123 55b6a16b9068 early',
      '-',
      '1225958840 remap 15123 7fa237a00000-7fa238200000 7fa233a00000-7fa237a00000',
      '-',
      '1225958842 brk 15123 1000',
      'skipped',
    ]);
  });

  it('has tasks', () => {
    const at = 'a-7   [001] .....  1.0:';
    expect(
      read(
        `${at} task_newtask: pid=8 comm=bash clone_flags=1200000 oom_score_adj=0`,
        `${at} task_newtask: pid=9 comm=bash clone_flags=3d0f00 oom_score_adj=0`,
        `${at} sched_process_exec: filename=/bin/sh pid=7 old_pid=9`,
        `${at} sched_process_exit: comm=a pid=7 prio=120`,
      ),
    ).toEqual([
      '1000000 birth 7 8 fork since 1000000',
      '1000000 birth 7 9 thread since 1000000',
      '1000000 exec 7 from 9',
      '1000000 exit 7',
    ]);
  });

  it("has trace-cmd's form, and what that adds", () => {
    expect(
      read(
        'cpus=2',
        '              mr-23025 [000] 13992.902149: sys_enter_munmap:     addr: 0x5000, len:' +
          ' 0x1000',
        '              mr-23025 [000] 13992.902150: sys_exit_munmap:      0x0',
        'CPU:1 [LOST 123 EVENTS]',
        'a word',
      ),
    ).toEqual(['skipped', '-', '13992902150 unmap 23025 5000-6000', 'lost', 'unplaced']);
  });
});

describe('the recorder', () => {
  it.each([
    ['perf-trace', ' 0.1 ( 0.000 ms): h/9 minfault [x] => 0x55d192229030 (?k)'],
    ['perf-script', ' cc1  9035/9035   778.769736: page-faults:  7f00'],
    ['ftrace', ' a-15123   [000] d....  1225.958837: page_fault_user: address=0x564d3bee32c0'],
    ['strace', '7 munmap(0x5000, 4096) = 0'],
    [null, 'once upon a time'],
  ])('is recognised by its lines: %s', (name, line) => {
    expect(recognise(['# a comment', line])?.name ?? null).toBe(name);
  });
});
