/** A lock that tests, and then sets. */
export function acquire(memory, lock) {
  while (memory.load(lock) !== 0) memory.awaitChange(lock, 1);
  memory.store(lock, 1);
}

export function release(memory, lock) {
  memory.store(lock, 0);
  memory.notify(lock, 1);
}
