/**
 * Images of trees in QEMU: its processors translate every address as we do. Nothing runs in these
 * machines: QEMU's own walk of page tables is asked, with the registers set.
 */
import { type AddressSpace, frameOf, NOT_MAPPED, PROT } from 'ptfrag/pgtable';
import { afterEach, describe, expect, it } from 'vitest';
import { Prng } from '#src/core/base/prng.js';
import { ENTRY_FORMATS } from '#src/core/pgtable/formats/index.js';
import { dumpImage, planImage } from '#src/core/pgtable/image.js';
import { spanOf } from '#src/core/pgtable/space.js';
import type { QemuMachine } from '../../support/qemu/machine.js';
import { isInstalled, PROCESSORS, startOn } from '../../support/qemu/processors.js';
import { type SpaceSetUp, setUp, walkAt } from '../../support/space.js';

/** A machine takes what is old for absent on s390, and what is clean for read-only. */
const TOUCHED = PROT.young | PROT.dirty;

const RIGHTS = [
  PROT.read,
  PROT.read | PROT.write,
  PROT.read | PROT.exec,
  PROT.read | PROT.write | PROT.exec,
].map((rights) => rights | TOUCHED);

/** Frames lie in the machines' memory: s390 asks whether they do. */
const FRAMES_BYTES = 2 ** 29;

let machine: QemuMachine | null = null;

afterEach(async () => {
  await machine?.stop();
  machine = null;
});

/**
 * Maps single pages and large ones, chosen by a seed, from one end of the address space to the
 * other. Returns addresses in them, beside them, and in holes.
 */
function fill(space: AddressSpace, geometry: string): bigint[] {
  const format = ENTRY_FORMATS[geometry]!;
  const prng = new Prng(1);
  const { pageBytes } = space;
  const [page, span] = [BigInt(pageBytes), BigInt(spanOf(format, 1))];
  const rights = (): number => RIGHTS[prng.below(RIGHTS.length)]!;
  // Parts that one table of pages maps. The first and the last of all are among them.
  const parts = (1n << BigInt(format.addressBits - format.pageShift)) / span;
  const chosen = Array.from({ length: 20 }, () => (BigInt(prng.next()) * parts) >> 32n);
  const asked: bigint[] = [];
  for (const [i, part] of [0n, parts - 1n, ...chosen].entries()) {
    const first = part * span;
    asked.push(first * page, (first + span) * page - 1n);
    for (let k = 0n; k < span; k += span / 32n) {
      const va = (first + k) * page;
      asked.push(va + BigInt(prng.below(pageBytes)), va + page);
      if (k === 0n || prng.below(2) === 0) {
        space.mapPage(va, prng.below(FRAMES_BYTES / pageBytes) * pageBytes, rights());
      }
    }
    const largeBytes = Number(span) * pageBytes;
    if (!PROCESSORS[geometry]!.larges || i % 4 !== 3) continue;
    const frame = prng.below(FRAMES_BYTES / largeBytes) * largeBytes;
    expect(space.collapse(first * page, frame, rights())).toBe(true);
  }
  return asked.filter((va) => va < 1n << BigInt(format.addressBits));
}

/** What we find for an address, as a processor does. */
function translate({ thread, space }: SpaceSetUp, va: bigint): bigint | null {
  const found = walkAt(thread, space, va);
  const page = BigInt(space.pageBytes);
  return found === NOT_MAPPED ? null : BigInt(frameOf(found)) * page + (va % page);
}

describe.each(Object.entries(PROCESSORS))('an image of %s in QEMU', (geometry, processor) => {
  const { program, base } = processor;

  it('is walked by the processor, which translates every address as we do', async ({ skip }) => {
    if (!isInstalled(processor)) skip(`${program} is not in the PATH`);
    const made = setUp({ geometry, pages: 4096 });
    const asked = fill(made.space, geometry);
    machine = await startOn(processor, made.space.dumpImage({ base }));
    const counts = { mapped: 0, holes: 0 };
    for (const va of asked) {
      const wanted = translate(made, va);
      expect([va, await machine.translate(va)]).toEqual([va, wanted]);
      counts[wanted === null ? 'holes' : 'mapped']++;
    }
    expect(counts.mapped).toBeGreaterThan(300);
    expect(counts.holes).toBeGreaterThan(300);
    expect(machine.complaints()).toBe('');
  });

  it('is not, where the top table is misaligned', async ({ skip }) => {
    if (!isInstalled(processor)) skip(`${program} is not in the PATH`);
    const made = setUp({ geometry, pages: 4096 });
    const asked = fill(made.space, geometry).filter((va) => translate(made, va) !== null);
    // As `dumpImage` of a space refuses to: every table of 4 KiB of radix is aligned there.
    const moved = geometry.startsWith('powerpc') ? 4096 : 2048;
    const image = dumpImage(planImage(made.space['space']), base + moved);
    machine = await startOn(processor, image);
    let agreed = 0;
    for (const va of asked) {
      if ((await machine.translate(va)) === translate(made, va)) agreed++;
    }
    expect(agreed).toBe(0);
    if (moved === 4096) expect(machine.complaints()).toContain('misaligned page dir base');
  });
});
