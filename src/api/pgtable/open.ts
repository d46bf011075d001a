/** Making an address space on an attached thread, and opening one that another thread made. */
import { tablesOf } from '../../core/frag/mm.js';
import type { Thread } from '../../core/mem/heap.js';
import { formatOf } from '../../core/pgtable/formats/index.js';
import { type Space, spaceOf } from '../../core/pgtable/space.js';
import { requireMm } from '../arguments.js';
import { attachmentOf } from '../attachment.js';
import type { MmId } from '../ids.js';
import { type ObtainOptions, waitAsked } from '../obtain.js';
import { OPERATIONS } from '../operations.js';
import type { AttachedThread } from '../thread.js';
import { requireTree, wholeSpace } from './ranges.js';
import { AddressSpace } from './space.js';
import { warmUpFor } from './warm-up.js';

/**
 * Makes an address space: an mm with an empty tree of page tables. Throws `UsageError` where the
 * heap's geometry has no format of entries, `LimitError`, `OutOfPagesError`. Blocks briefly, or up
 * to `waitMs` for what was freed.
 */
export function createSpace(thread: AttachedThread, options?: ObtainOptions): AddressSpace {
  const attachment = attachmentOf(thread, 'createSpace');
  const { operations } = attachment;
  const { heap } = operations.here();
  const format = formatOf(heap);
  warmUpFor(heap, format);
  const waitMs = waitAsked(operations.here(), 'createSpace', options);
  const make = (core: Thread): Space => wholeSpace(core, format, waitMs);
  return new AddressSpace(attachment, operations.run(OPERATIONS.createSpace, make));
}

/** The address space of an mm, made by any thread. Throws `UsageError` if there is none. */
export function openSpace(thread: AttachedThread, mm: MmId): AddressSpace {
  const attachment = attachmentOf(thread, 'openSpace');
  requireMm(mm, 'openSpace');
  const core = attachment.operations.here();
  const format = formatOf(core.heap);
  warmUpFor(core.heap, format);
  // Asked for its refusal alone: of an mm that was destroyed, or never created.
  attachment.operations.run(OPERATIONS.openSpace, () => tablesOf(core, mm));
  return new AddressSpace(attachment, requireTree(spaceOf(core, format, mm)));
}
