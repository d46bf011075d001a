/** What strace's lines say, in every form that its options give them. */
import { describe, expect, it } from 'vitest';
import { parsed } from '../../fixtures/parsed-lines.js';

describe('strace', () => {
  const read = (...lines: readonly string[]): string[] => parsed('strace', ...lines);

  it('has times in seconds, of day, since the last line, or none', () => {
    const call = 'munmap(0x5000, 4096) = 0';
    const times = (...prefixes: readonly string[]): number[] =>
      read(...prefixes.map((prefix) => `7 ${prefix}${call}`)).map((line) =>
        Number.parseInt(line, 10),
      );
    expect(times('1795346177.284751 ', '1795346178.000000 ')).toEqual([
      1_795_346_177_284_751, 1_795_346_178_000_000,
    ]);
    expect(times('23:59:59.5 ', '00:00:00.5 ')).toEqual([86_399_500_000, 86_400_500_000]);
    expect(times('12:00:00 ', '12:00:01 ')).toEqual([43_200_000_000, 43_201_000_000]);
    expect(times('     0.000100 ', '     0.000200 ')).toEqual([100, 300]);
    expect(times('', '')).toEqual([100, 200]);
  });

  it('has memory calls', () => {
    expect(
      read(
        '7 1e mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE, -1, 0) =' +
          ' 0x7fc703f64000 <0.000049>',
        '7 mmap(0x3000, 8192, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_FIXED|MAP_POPULATE, 3</a,' +
          ' b>, 0x1000) = 0x3000',
        '7 mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, -1, 0) = -1 ENOMEM (Cannot allocate memory)',
        '7 mremap(0x1000, 4096, 8192, MREMAP_MAYMOVE|MREMAP_DONTUNMAP) = 0x9000',
        '7 brk(NULL)                               = 0x22660000',
        '7 mprotect(0x5000, 4096, PROT_READ) = 0',
        '7 mprotect(0x5000, 4096, PROT_NONE) = 0',
        '7 madvise(0x5000, 4096, MADV_DONTNEED) = 0',
      ),
    ).toEqual([
      'unplaced',
      '200 map 7 3000-5000 accessible fixed populated replaces shared writable',
      '-',
      '400 remap 7 1000-2000 9000-b000 keep',
      '500 brk 7 22660000',
      '600 protect 7 5000-6000',
      '-',
      'skipped',
    ]);
  });

  it('has calls in two parts', () => {
    expect(
      read(
        '[pid 7] mmap(0x3000, 4096, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0 <unfinished ...>',
        '[pid 8] munmap(0x5000, 4096) = 0',
        '[pid 7] <... mmap resumed>) = 0x3000 <0.000037>',
        '[pid 7] mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0 <unfinished ...>',
        '[pid 7] <... mmap resumed> )      = 0x4000',
      ),
    ).toEqual([
      '-',
      '200 birth 7 8 thread since 0',
      '200 unmap 8 5000-6000',
      '300 map 7 3000-4000 anonymous replaces',
      '-',
      '500 map 7 4000-5000 anonymous replaces',
    ]);
  });

  it('has tasks, heard of after or before the call that makes them returns', () => {
    expect(
      read(
        '7 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD, child_tidptr=0x7f) = 8',
        '7 clone3({flags=CLONE_VM|CLONE_FS|CLONE_THREAD, stack=0x7f} => {parent_tid=[9]}, 88) = 9',
        '7 vfork( <unfinished ...>',
        '10 execve("/bin/a", ["a = 1"], 0x7f /* 3 vars */) = 0',
        '7 <... vfork resumed>)              = 10',
        '10 exit_group(0)   = ?',
        '10 +++ exited with 0 +++',
        '7 --- SIGCHLD {si_signo=SIGCHLD} ---',
        '7 fork()   = -1 EAGAIN (Resource temporarily unavailable)',
        '8 +++ killed by SIGSEGV (core dumped) +++',
      ),
    ).toEqual([
      '100 birth 7 8 fork since 100',
      '200 birth 7 9 thread since 200',
      '-',
      '400 birth 7 10 vfork since 300',
      '400 exec 10',
      '-',
      '600 exit-group 10',
      '700 exit 10',
      'skipped',
      '-',
      '1000 exit 8',
    ]);
  });

  it('has orphans where two calls could have made a task', () => {
    expect(
      read(
        '7 vfork( <unfinished ...>',
        '8 clone(child_stack=NULL, flags=SIGCHLD <unfinished ...>',
        '9 munmap(0x5000, 4096) = 0',
        '8 <... clone resumed>) = 9',
      ),
    ).toEqual([
      '-',
      '200 birth 7 8 vfork since 100',
      '300 birth 8 9 fork since 200',
      '300 unmap 9 5000-6000',
      '-',
    ]);
  });

  it('has the exec of a thread, which takes the tid of its leader', () => {
    expect(
      read(
        '7 execve("/a", ["a"], 0x7f /* 3 vars */ <unfinished ...>',
        '9 execve("/b", ["b"], 0x7f /* 3 vars */ <unfinished ...>',
        '7 +++ superseded by execve in pid 9 +++',
        '7 <... execve resumed>) = 0',
      ),
    ).toEqual(['-', '-', '300 exit 7', '400 exec 7 from 9']);
  });

  it('on a terminal prints pids when there are two, and interrupts lines', () => {
    expect(
      read(
        'brk(NULL) = 0x1000',
        'clone3({flags=CLONE_VM|CLONE_VFORK}, 88strace: Process 8 attached',
        ' <unfinished ...>',
        '[pid     8] execve("./a", ["./a"], 0x7f /* 3 vars */ <unfinished ...>',
        '[pid     7] <... clone3 resumed>)       = 8',
        '[pid     8] <... execve resumed>)       = 0',
        '[pid     7] brk(NULL) = 0x1000',
        'strace: Process 9 attached',
      ),
    ).toEqual([
      '100 brk 0 1000',
      'skipped',
      '-',
      '300 birth 0 8 vfork since 200',
      '-',
      '500 exec 8',
      '600 brk 0 1000',
      'skipped',
    ]);
  });
});
