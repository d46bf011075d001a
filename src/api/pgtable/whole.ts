/** Fork and exit in slices: operations on all of a space. */
import type { Vpn, Word } from '../../core/base/units.js';
import { enterMm, leaveMm } from '../../core/frag/mm.js';
import type { Thread } from '../../core/mem/heap.js';
import { lockInTheWay, lockOfNewSpace } from '../../core/pgtable/lock.js';
import type { Space } from '../../core/pgtable/space.js';
import { refuseWait } from '../../core/rcu/wait.js';
import type { Attachment } from '../attachment.js';
import { OPERATIONS } from '../operations.js';
import { endPages, forkPages, requireEndable, requireTree, wholeOf } from './ranges.js';
import { finishAsUser, finishInSlices, locksAt, type RangeOptions } from './slices.js';

/** The options of a method, judged. */
type Given = RangeOptions & { readonly waitMs: number };

/** Returns the child. */
export async function forkInSlices(
  attachment: Attachment,
  space: Space,
  given: Given,
): Promise<Space> {
  let child: Space | null = null;
  const onMade = (made: Space): void => {
    child = made;
  };
  // The parent's locks, then those that the child's next table takes, or the child itself.
  const inTheWay = (vpn: Vpn): Word | 0 =>
    lockInTheWay(space, vpn, false) ||
    (child === null ? lockOfNewSpace(space) : lockInTheWay(child, vpn, true));
  const work = forkPages(space, given.waitMs, onMade);
  const range = wholeOf(space);
  const total = 2 * range.pages;
  const how = { ...given, attachment, operation: OPERATIONS.fork, space, range, total, inTheWay };
  return await finishAsUser(work, how);
}

/** `onBegun`: called when nothing refuses it any more. */
export async function exitInSlices(
  attachment: Attachment,
  space: Space,
  given: Given,
  onBegun: () => void,
): Promise<void> {
  const operation = OPERATIONS.exit;
  const inTheWay = (vpn: Vpn): Word | 0 => lockInTheWay(space, vpn, false);
  const how = { ...given, attachment, operation, space, inTheWay };
  refuseWait(space.thread, 'exitAsync', null);
  const locked = locksAt(0, { ...how, range: wholeOf(space) });
  if (locked !== null) await locked;
  // Counted in, as the operations on ranges are: nobody else ends the space meanwhile.
  let isUser = true;
  attachment.operations.run(operation, (thread) => {
    requireEndable(requireTree(space));
    enterMm(thread, space.mm);
  });
  const leave = (thread: Thread): void => {
    if (isUser) leaveMm(thread, space.mm);
    isUser = false;
  };
  onBegun();
  // As deep as the tree is now: it may have grown while a lock was waited for.
  const range = wholeOf(space);
  const slices = { ...how, range, total: range.pages, onOver: leave };
  await finishInSlices(endPages(space, leave), slices);
}
