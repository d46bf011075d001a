/** Where an image of a tree is to lie in a machine's memory. */
import { refusal } from '../../core/base/shown.js';
import { dumpImage, type Image, type ImagePlan, planImage } from '../../core/pgtable/image.js';
import type { Space } from '../../core/pgtable/space.js';
import { optionsOf } from '../arguments.js';
import { PHYSICAL_END } from './address.js';

/** Options of `dumpImage`: where the image is to lie. */
export interface ImageOptions {
  /**
   * Physical address of the image's first byte: a multiple of what the largest table is aligned to
   * (docs/pgtable.md, "Images"), and not 0. Default: where the image begins in the heap, which is
   * such a multiple, as an offset in bytes. `UsageError` for what is none.
   */
  readonly base?: number | undefined;
}

/** The image at the base that was asked for. Throws `UsageError` for one where it can't be. */
export function imageOf(space: Space, options: ImageOptions): Image {
  const { base } = optionsOf(options, 'dumpImage');
  const plan = planImage(space);
  return dumpImage(plan, base === undefined ? plan.begin : baseOf(plan, base));
}

/** The base that was asked for. Refuses one at which a table can't be. */
function baseOf({ alignBytes: align, bytes }: ImagePlan, base: unknown): number {
  const last = PHYSICAL_END - bytes;
  const isWhole = typeof base === 'number' && Number.isInteger(base);
  if (isWhole && base > 0 && base <= last && base % align === 0) return base;
  const code = isWhole && base % align !== 0 ? 'unaligned' : 'bad-address';
  const allowed = `it must be a multiple of ${align}, ${align} to ${last - (last % align)}`;
  throw refusal(code, 'dumpImage: base', base, allowed);
}
