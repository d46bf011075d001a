/** Images of trees, as machines read them: every address is translated as a walk does. */
import type { AttachedThread } from 'ptfrag';
import {
  type AddressSpace,
  createSpace,
  frameOf,
  type ImageOptions,
  NOT_MAPPED,
  PROT,
  protOf,
} from 'ptfrag/pgtable';
import { describe, expect, it } from 'vitest';
import { ENTRY_FORMATS } from '#src/core/pgtable/formats/index.js';
import { spanOf } from '#src/core/pgtable/space.js';
import { type Machine, MMUS } from '../../support/mmu.js';
import { codeOf, setUp } from '../../support/space.js';

/** A machine takes what is old for absent on s390, and what is clean for read-only. */
const TOUCHED = PROT.young | PROT.dirty;

const RIGHTS = [
  PROT.read,
  PROT.read | PROT.write,
  PROT.read | PROT.exec,
  PROT.read | PROT.write | PROT.exec,
];

function machineOf(space: AddressSpace, options: ImageOptions = {}): Machine {
  const { rootEntry, bytes, base } = space.dumpImage(options);
  return { root: rootEntry, bytes, base };
}

/** What a walk says, in the words of a machine. */
function translate(thread: AttachedThread, space: AddressSpace, va: bigint): object | null {
  thread.readLock();
  const found = space.walk(va);
  thread.readUnlock();
  if (found === NOT_MAPPED) return null;
  const { pageBytes } = space;
  const prot = protOf(found);
  return {
    physical: BigInt(frameOf(found) * pageBytes) + (va % BigInt(pageBytes)),
    read: (prot & PROT.read) !== 0,
    write: (prot & PROT.write) !== 0,
    execute: (prot & PROT.exec) !== 0,
  };
}

/** Single pages, ranges and large pages, from one end of the address space to the other. */
function fill(space: AddressSpace, geometry: string): bigint[] {
  const format = ENTRY_FORMATS[geometry]!;
  const { pageBytes } = space;
  const page = BigInt(pageBytes);
  const span = BigInt(spanOf(format, 1));
  const end = 1n << BigInt(format.addressBits - format.pageShift);
  const firsts = [0n, 3n * span - 2n, end / 3n, end / 2n + 5n, end - span];
  firsts.forEach((first, i) => {
    const rights = (RIGHTS[i % RIGHTS.length] as number) | TOUCHED;
    space.mapRange(first * page, 6 * pageBytes, (1000 + 64 * i) * pageBytes, rights);
  });
  for (const [i, rights] of RIGHTS.entries()) {
    const first = (8n + BigInt(i)) * span;
    space.mapPage(first * page, 0, PROT.read);
    const large = Number(span) * pageBytes;
    space.collapse(first * page, (i + 1) * large, rights | TOUCHED);
  }
  const larges = RIGHTS.map((_, i) => (8n + BigInt(i)) * span);
  const pages = [...firsts, ...larges].flatMap((first) =>
    [-1n, 0n, 1n, 5n, 6n, span - 1n, span].map((more) => first + more),
  );
  return pages.filter((each) => each >= 0n && each < end).map((each) => each * page);
}

/** What the largest table of a geometry is aligned to. */
function alignOf(geometry: string): number {
  return Math.max(...ENTRY_FORMATS[geometry]!.levels.map(({ alignBytes }) => alignBytes));
}

describe.each(Object.keys(ENTRY_FORMATS))('an image of %s', (geometry) => {
  const mmu = MMUS[geometry]!;

  it('is walked by a machine, which translates every address as we do', () => {
    const { thread, space } = setUp({ geometry, pages: 2048 });
    const addresses = fill(space, geometry);
    const machine = machineOf(space);
    let mapped = 0;
    for (const va of addresses.flatMap((first) => [first, first + 0xabcn])) {
      const wanted = translate(thread, space, va);
      expect([va, mmu(machine, va)]).toEqual([va, wanted]);
      if (wanted !== null) mapped++;
    }
    expect(mapped).toBeGreaterThan(40);
  });

  it('is walked in the same way wherever its base is in physical memory', () => {
    const { thread, space } = setUp({ geometry, pages: 2048 });
    const addresses = fill(space, geometry);
    const align = alignOf(geometry);
    const { length } = space.dumpImage().bytes;
    const last = Math.floor((2 ** 32 - length) / align) * align;
    for (const base of [align, 0x8000_0000, last]) {
      const machine = machineOf(space, { base });
      expect(machine.base).toBe(base);
      expect(machine.bytes.length).toBe(length);
      for (const va of addresses) {
        expect([va, mmu(machine, va)]).toEqual([va, translate(thread, space, va)]);
      }
    }
  });

  it('has no base at which a table is misaligned, at 0, or beyond 4 GiB', () => {
    const { space } = setUp({ geometry, pages: 512 });
    space.mapPage(0, 0, PROT.read);
    const align = alignOf(geometry);
    expect(space.dumpImage().base % align).toBe(0);
    const refused = (base: number): string => codeOf(() => space.dumpImage({ base }));
    expect([align / 2, 3 * align + 8].map(refused)).toEqual(['unaligned', 'unaligned']);
    const bad = [0, -align, 2 ** 32 - align, 2 ** 40, Number.NaN, 0.5, 4096n as never];
    const end = space.dumpImage().bytes.length > align ? 'bad-address' : 'nothing thrown';
    expect(bad.map(refused)).toEqual(bad.map((_, i) => (i === 2 ? end : 'bad-address')));
  });

  it('of parent and child lets neither write, and shows what nobody may touch', () => {
    const { space } = setUp({ geometry, pages: 2048 });
    const { pageBytes } = space;
    space.mapRange(0, 4 * pageBytes, 0, PROT.read | PROT.write | TOUCHED);
    const child = space.fork();
    space.protect(pageBytes, pageBytes, 0);
    child.unmapRange(2 * pageBytes, pageBytes);
    const [ours, theirs] = [machineOf(space), machineOf(child)];
    const rightsAt = (machine: Machine, page: number): string => {
      const found = mmu(machine, BigInt(page * pageBytes));
      if (found === null) return 'fault';
      const { read, write, execute } = found;
      return `${read ? 'r' : '-'}${write ? 'w' : '-'}${execute ? 'x' : '-'}`;
    };
    expect([0, 1, 2, 3, 4].map((page) => rightsAt(theirs, page))).toEqual([
      'r--',
      'r--',
      'fault',
      'r--',
      'fault',
    ]);
    // Without a right a page is absent to s390, and the supervisor's elsewhere.
    const none = geometry === 's390' ? 'fault' : '---';
    expect([0, 1, 2].map((page) => rightsAt(ours, page))).toEqual(['r--', none, 'r--']);
  });

  it('has every table at its address, the root among them, and nothing of others', () => {
    const { thread, space } = setUp({ geometry, pages: 512 });
    const other = createSpace(thread);
    const { pageBytes } = space;
    for (const each of [other, space]) each.mapRange(0, 4 * pageBytes, 0, PROT.read | TOUCHED);
    const image = space.dumpImage();
    expect(image.geometry).toBe(geometry);
    expect(image.rootAddress).toBeGreaterThanOrEqual(image.base);
    expect(image.rootAddress).toBeLessThan(image.base + image.bytes.length);
    other.unmapRange(0, 4 * pageBytes);
    expect(Buffer.compare(space.dumpImage().bytes, image.bytes)).toBe(0);
  });
});

describe('machines refuse', () => {
  const moved = { 'powerpc-radix-4k': 4096, 'powerpc-radix-64k': 4096, s390: 2048, generic: 2048 };

  it.each(Object.entries(moved))('%s: tables that lie %i bytes too high', (geometry, bytes) => {
    const { space } = setUp({ geometry, pages: 512 });
    space.mapPage(0, 0, PROT.read | TOUCHED);
    const { root, base, ...rest } = machineOf(space);
    const machine = { ...rest, root: root + BigInt(bytes), base: base + bytes };
    expect(() => MMUS[geometry]!(machine, 0n)).toThrow('not aligned');
  });
});

describe('what machines are given', () => {
  it('s390: what is old is absent, what is clean is read-only', () => {
    const { space } = setUp({ geometry: 's390' });
    space.mapPage(0, 0, PROT.read | PROT.write);
    space.mapPage(4096, 0, PROT.read | PROT.write | PROT.young);
    const machine = machineOf(space);
    expect(MMUS['s390']!(machine, 0n)).toBeNull();
    expect(MMUS['s390']!(machine, 4096n)).toMatchObject({ read: true, write: false });
  });
});
