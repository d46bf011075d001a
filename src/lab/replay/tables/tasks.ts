/** What a mutator does with an entry of its ring: the mm's number, then the kind and the table. */
export const TASK = {
  create: 1,
  alloc: 2,
  free: 3,
  /** In place of the table: how many frees of the mm it comes after. */
  destroy: 4,
} as const;
