/**
 * What a program did to its address space, whatever recorder saw it.
 *
 * Parsers make these out of the lines of recorders; `Processes` turns them into tables. Addresses
 * and lengths are in bytes. A task is what Linux gives a tid; it has an mm, alone or with others.
 */

/** A range that becomes part of the address space. */
export interface MapAction {
  readonly op: 'map';
  readonly task: number;
  readonly from: number;
  readonly to: number;
  /** MAP_SHARED: a fork does not copy its tables, later faults fill them. */
  readonly shared: boolean;
  readonly writable: boolean;
  /** False: PROT_NONE. */
  readonly accessible: boolean;
  readonly anonymous: boolean;
  /** The kernel fills all of it at once: MAP_POPULATE, MAP_LOCKED. */
  readonly populated: boolean;
  /** It is used from its end: MAP_STACK, MAP_GROWSDOWN. */
  readonly downwards: boolean;
  /** MAP_NORESERVE: most of it is never used. */
  readonly noReserve: boolean;
  readonly fixed: boolean;
  /** Whether it replaces what was there; else only what was free is added. */
  readonly replaces: boolean;
  /** Where in the file it begins. */
  readonly offset: number;
}

/** A range that is moved, or gets another length. */
export interface RemapAction {
  readonly op: 'remap';
  readonly task: number;
  readonly from: number;
  readonly to: number;
  readonly newFrom: number;
  readonly newTo: number;
  /** MREMAP_DONTUNMAP. */
  readonly keep: boolean;
}

/** A task that begins. */
export interface BirthAction {
  readonly op: 'birth';
  readonly task: number;
  readonly child: number;
  /** CLONE_VM: threads, and vfork. */
  readonly sharesMm: boolean;
  /** CLONE_THREAD. */
  readonly thread: boolean;
  /** When the call began: a child that has exec'd since then is this one. */
  readonly sinceUs: number;
}

export type Action =
  /** `early`: perhaps of an exec that is under way, in the mm that is to be the task's. */
  | { readonly op: 'fault'; readonly task: number; readonly at: number; readonly early: boolean }
  /** A fault that is known by file and offset only. */
  | {
      readonly op: 'file-fault';
      readonly task: number;
      readonly path: string;
      readonly offset: number;
    }
  | MapAction
  | { readonly op: 'unmap'; readonly task: number; readonly from: number; readonly to: number }
  | RemapAction
  /** A range is given a protection other than PROT_NONE. */
  | { readonly op: 'protect'; readonly task: number; readonly from: number; readonly to: number }
  /** The program break as it is after a call of brk. */
  | { readonly op: 'brk'; readonly task: number; readonly at: number }
  | BirthAction
  /** A child returns from the call that made it, before anything said whose it is. */
  | { readonly op: 'orphan'; readonly task: number }
  /** `former`: the tid under which the task called, where it is another. */
  | { readonly op: 'exec'; readonly task: number; readonly former: number }
  | { readonly op: 'exit'; readonly task: number }
  /** All threads of the task's group exit. */
  | { readonly op: 'exit-group'; readonly task: number };

/** Takes actions, in the order in which they happened; microseconds from any origin. */
export type OnAction = (action: Action, timeUs: number) => void;
