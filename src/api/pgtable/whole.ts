/** Fork and exit in slices: operations on all of a space. */
import { UsageError } from '../../core/base/errors.js';
import type { Vpn, Word } from '../../core/base/units.js';
import { tablesOf } from '../../core/frag/mm.js';
import { usersOf } from '../../core/frag/users.js';
import type { Thread } from '../../core/mem/heap.js';
import { lockInTheWay, lockOfNewSpace } from '../../core/pgtable/lock.js';
import type { Space } from '../../core/pgtable/space.js';
import { countTables } from '../../core/pgtable/tree.js';
import { refuseWait } from '../../core/rcu/wait.js';
import type { Attachment } from '../attachment.js';
import { OPERATIONS } from '../operations.js';
import { endPages, forkPages, requireTree, wholeOf } from './ranges.js';
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
    attachment.users.enter(thread, space.mm);
  });
  const leave = (thread: Thread): void => {
    if (isUser) attachment.users.leave(thread, space.mm);
    isUser = false;
  };
  onBegun();
  // As deep as the tree is now: it may have grown while a lock was waited for.
  const range = wholeOf(space);
  const slices = { ...how, range, total: range.pages, onOver: leave };
  await finishInSlices(endPages(space, leave), slices);
}

/**
 * Refuses to end a space that others work on, or whose mm has tables of other use. Returns how many
 * tables it has.
 */
export function requireEndable(space: Space): number {
  const { thread, mm } = space;
  const users = usersOf(thread, mm);
  if (users > 0) throw new UsageError('mm-in-use', `exit: mm ${mm} has ${users} users`);
  const tables = tablesOf(thread, mm);
  const others = tables - countTables(space);
  if (others === 0) return tables;
  throw new UsageError('mm-has-tables', `exit: ${others} tables of mm ${mm} are not the tree's`);
}
