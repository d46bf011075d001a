/** From the lines of a work file to what happens to address spaces, and what Linux gives them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Mapped } from '#src/lab/replay/pgtable/mapped.js';
import { Regions } from '#src/lab/replay/pgtable/regions.js';
import { type MmOperations, Workload } from '#src/lab/replay/pgtable/workload.js';
import { readWork, type WorkEvent } from '#src/lab/trace/work.js';

const folder = mkdtempSync(join(tmpdir(), 'ptfrag-'));
afterAll(() => rmSync(folder, { recursive: true }));

const HEADER = '# seq t_us cpu pid op args...\n';

async function eventsOf(text: string): Promise<WorkEvent[]> {
  const file = join(folder, 'a.work.txt');
  writeFileSync(file, text);
  const events: WorkEvent[] = [];
  await readWork(file, (event) => events.push(event), {});
  return events;
}

/** What is done to mms, a line each; of a process each line `pid op …`. */
async function played(lines: readonly string[]): Promise<{ calls: string[]; work: Workload }> {
  const calls: string[] = [];
  const say =
    (name: string) =>
    (...given: unknown[]): void => {
      calls.push(`${name} ${given.map((each) => JSON.stringify(each)).join(' ')}`);
    };
  const names = ['create', 'fault', 'unmap', 'protect', 'move', 'fork', 'exit'] as const;
  const operations = Object.fromEntries(names.map((name) => [name, say(name)]));
  const work = new Workload(operations as unknown as MmOperations, 0x1000, 256);
  const text = lines.map((line, at) => `${at} ${at} 0 ${line}\n`).join('');
  for (const event of await eventsOf(HEADER + text)) work.event(event);
  work.finish();
  return { calls, work };
}

describe('the work of a recording', () => {
  it('is read to its operations', async () => {
    const events = await eventsOf(
      `${HEADER}# more\n1 0 0 1 S BEGIN x\n2 5 1 7 fault m3 va=3ffe5679abc fl=255\n` +
        '3 6 1 7 mmap_ret fffffffffffffff4\n' +
        '4 7 0 7 sched_process_fork comm=a b pid=7 child_pid=12\n',
    );
    expect(events).toEqual([
      { pid: 7, op: 'fault', mm: 'm3', address: 0x3ffe5679abc, flags: 0x255 },
      { pid: 7, op: 'mapped', address: 2 ** 64 },
      { pid: 7, op: 'fork', child: 12 },
    ]);
  });

  const refusals: [string, string, string, number][] = [
    ['an empty file', '', 'not-work', 0],
    ['another file', 'hello\n', 'not-work', 1],
    ['a cut line', `${HEADER}1 0 0 1 S`, 'truncated', 1],
    ['too few fields', `${HEADER}1 0 0\n`, 'bad-line', 2],
    ['an unknown operation', `${HEADER}1 0 0 1 sys_reboot\n`, 'unknown-operation', 2],
    ['an mm that is none', `${HEADER}1 0 0 1 fault x1 va=1 fl=0\n`, 'bad-line', 2],
    ['a missing number', `${HEADER}1 0 0 1 sys_munmap addr=1000\n`, 'bad-line', 2],
    ['a number that is none', `${HEADER}1 0 0 1 fault m1 va=x fl=0\n`, 'bad-line', 2],
  ];
  for (const [what, text, code, line] of refusals) {
    it(`refuses ${what}`, async () => {
      await expect(eventsOf(text)).rejects.toMatchObject({ name: 'InputError', code, line });
    });
  }
});

describe('address spaces', () => {
  it('are forked, named by the first fault, changed and ended', async () => {
    const { calls, work } = await played([
      '1 fault p1 va=5000 fl=255',
      '1 sys_clone newsp=0 clone_flags=1200011',
      '1 sched_process_fork comm=a pid=1 child_comm=a child_pid=2',
      '2 fault m7 va=5000 fl=255',
      '2 mmap addr=0 len=2000 prot=3 flags=4022',
      '2 mmap_ret 100000',
      '2 sys_munmap addr=101000 len=800',
      '2 sys_mprotect start=5000 len=1000 prot=1',
      '2 sched_process_exit comm=a pid=2 prio=120',
      '2 fault m7 va=5000 fl=255',
    ]);
    expect(calls).toEqual([
      'create 0',
      'fault 0 5 true',
      'fork 0 1 []',
      'fault 1 5 true',
      'unmap 1 257 1',
      'protect 1 5 1 1',
      'exit 1',
      'exit 0',
    ]);
    expect([...work.names]).toEqual([[7, 1]]);
  });

  it('are shared by threads, and end with the last of them', async () => {
    const { calls } = await played([
      '1 fault m1 va=5000 fl=255',
      '1 sys_clone clone_flags=3d0f00',
      '1 sched_process_fork pid=1 child_pid=2',
      '1 sched_process_exit pid=1',
      '2 sys_munmap addr=5000 len=1000',
      '2 sched_process_exit pid=2',
    ]);
    expect(calls).toEqual(['create 0', 'fault 0 5 true', 'unmap 0 5 1', 'exit 0']);
  });

  it('are changed by exec, whose temporary stack goes', async () => {
    const { calls } = await played([
      '1 fault m1 va=5000 fl=255',
      '1 sys_execve filename=1',
      '1 fault m2 va=3ffffffaff0 fl=81',
      '1 fault m1 va=6000 fl=254',
      '1 sched_process_exec filename=/a pid=1 old_pid=1',
      '1 sys_munmap addr=5000 len=1000',
    ]);
    expect(calls.slice(1)).toEqual([
      'fault 0 5 true',
      'create 1',
      'fault 1 1073741818 true',
      'fault 0 6 false',
      'exit 0',
      'unmap 1 1073741818 1',
      'unmap 1 5 1',
      'exit 1',
    ]);
  });

  it('are not copied where nothing was written, and move to where Linux puts them', async () => {
    const { calls, work } = await played([
      '1 fault m1 va=5000 fl=255',
      '1 mmap addr=0 len=200000 prot=3 flags=22',
      '1 mmap_ret 10000000',
      '1 mmap addr=0 len=100000 prot=1 flags=22',
      '1 mmap_ret ff00000',
      '1 fault m1 va=10100000 fl=255',
      '1 fault m1 va=ff00000 fl=254',
      '1 sched_process_fork pid=1 child_pid=2',
      '1 sys_mremap addr=10000000 old_len=200000 new_len=300000 flags=1 new_addr=0',
      '1 sys_mremap addr=fc00000 old_len=300000 new_len=100000 flags=1 new_addr=0',
    ]);
    expect(calls).toContain(
      'fork 0 1 [{"begin":65280,"end":65536,"prot":1,"flags":34,"written":false}]',
    );
    expect(calls).toContain('move 0 65536 64512 512');
    expect(calls).toContain('unmap 0 64768 512');
    // The heap's, two that were mapped, and the one that moved.
    expect(work.linux.given(0)).toBe(4);
    expect(work.linux.given(1)).toBe(2);
  });

  it('keep a table, in Linux, while a mapping has part of its span', async () => {
    const { work } = await played([
      '1 mmap addr=0 len=100000 prot=3 flags=22',
      '1 mmap_ret 10000000',
      '1 fault m1 va=10000000 fl=255',
      '1 mmap addr=0 len=100000 prot=3 flags=22',
      '1 mmap_ret 10000000',
      '1 sys_munmap addr=10000000 len=1000',
      '1 fault m1 va=10001000 fl=255',
      '1 sys_munmap addr=10000000 len=100000',
      '1 fault m1 va=10001000 fl=255',
    ]);
    expect(work.linux.given(0)).toBe(2);
  });
});

describe('regions', () => {
  it('merge with neighbours that are alike, and are cut', () => {
    const regions = new Regions();
    regions.add(10, 20, 3, 2);
    regions.add(30, 40, 3, 2);
    regions.write(35);
    regions.add(20, 30, 3, 2);
    expect(regions.unwritten()).toEqual([]);
    regions.remove(15, 20);
    regions.protect(30, 32, 1);
    expect([10, 14, 15, 29, 30, 32].map((page) => regions.at(page)?.prot)).toEqual([
      3,
      3,
      undefined,
      3,
      1,
      3,
    ]);
    expect(regions.meets({ begin: 15, end: 20 })).toBe(false);
    expect(regions.place(5)).toBe(15);
    expect(regions.place(6)).toBe(4);
    expect(new Regions().place(1)).toBe(null);
  });
});

describe('mapped pages', () => {
  it('are known by span, with their holes', () => {
    const mapped = new Mapped(4);
    for (const page of [1, 3, 9, 4]) mapped.add(page);
    expect(mapped.within(0, 9)).toEqual([1, 3, 4]);
    expect(mapped.spansWithin(4, 9)).toEqual([1, 2]);
    expect([...mapped.holes()]).toEqual([
      { begin: 0, pages: 1 },
      { begin: 2, pages: 1 },
      { begin: 8, pages: 1 },
      { begin: 10, pages: 2 },
      { begin: 5, pages: 3 },
    ]);
    expect(mapped.remove(3, 1000)).toEqual([2, 1]);
    expect([...mapped.pages()]).toEqual([1]);
  });
});
