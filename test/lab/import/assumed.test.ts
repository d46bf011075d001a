/** What a recording without faults is taken to have used of its mappings. */
import { afterAll, describe, expect, it } from 'vitest';
import { ImportFolder } from '../../fixtures/import-text.js';

const folder = new ImportFolder();

afterAll(() => folder.remove());

const MIB: number = 2 ** 20;

describe('what mremap adds to a mapping counts as used', () => {
  const tables = async (
    flags: string,
    calls: readonly string[],
    touch: 'all' | 'first' = 'all',
  ): Promise<number> => {
    const map = `mmap(NULL, ${MIB}, ${flags}|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000`;
    const exec = 'execve("./a", ["a"], 0x7ffc0 /* 1 vars */) = 0';
    const lines = [exec, map, ...calls, '+++ exited with 0 +++'];
    const { document } = await folder.lines(
      lines.map((line) => `1 ${line}`),
      { touch },
    );
    expect(document).toMatchObject({ ok: true });
    return document.allocs.pte;
  };
  const READABLE = 'PROT_READ|PROT_WRITE, MAP_PRIVATE';
  const grown = (to: string): string =>
    `mremap(0x7f0000000000, ${MIB}, ${64 * MIB}, MREMAP_MAYMOVE) = ${to}`;

  it.each([
    ['in place', '0x7f0000000000', 65],
    ['where it is moved', '0x7e0000000000', 66],
  ])('%s', async (_name, to, expected) => {
    expect(await tables(READABLE, [grown(to)])).toBe(expected);
  });

  it('and so does a second mapping of the same pages', async () => {
    const again = `mremap(0x7f0000000000, 0, ${8 * MIB}, MREMAP_MAYMOVE) = 0x7e0000000000`;
    expect(await tables('PROT_READ, MAP_SHARED', [again])).toBe(10);
  });

  it('but only its first page with --touch first', async () => {
    expect(await tables(READABLE, [grown('0x7f0000000000')], 'first')).toBe(3);
  });

  it('but not where the mapping was not used', async () => {
    const grow = [grown('0x7f0000000000')];
    expect(await tables('PROT_NONE, MAP_PRIVATE', grow)).toBe(1);
    expect(await tables(`${READABLE}|MAP_NORESERVE`, grow)).toBe(2);
    const usable = `mprotect(0x7f0000000000, ${MIB}, PROT_READ) = 0`;
    expect(await tables('PROT_NONE, MAP_PRIVATE', [usable, ...grow])).toBe(65);
  });
});
