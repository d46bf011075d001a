/** A lock that tests and sets in one access. */
export function acquire(memory, lock) {
  while (memory.cas(lock, 0, 1) !== 0) memory.awaitChange(lock, 1);
}

export function release(memory, lock) {
  memory.store(lock, 0);
  memory.notify(lock, 1);
}
