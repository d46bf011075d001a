/**
 * The job of `ptfrag doctor`: what this machine supports, and why not. Each
 * thing that the library, or a part of it, needs is tried out.
 */
import { availableParallelism } from 'node:os';
import { mayThreadSleep, reserveBuffer } from '../../core/mem/shared.js';
import { missingFeature } from '../../core/mem/support.js';
import type { Finding } from '../shell/failure.js';

export interface DoctorCheck {
  readonly name: string;
  readonly ok: boolean;
  /** What was found. */
  readonly found: string;
  /** True: nothing runs without it. */
  readonly needed: boolean;
  /** What it is for, or what to do about it. */
  readonly note: string;
}

export interface DoctorDocument {
  readonly command: 'doctor';
  readonly verdict: Finding;
  readonly ok: boolean;
  readonly node: string;
  readonly platform: string;
  readonly cores: number;
  /** The largest buffer of shared memory that could be reserved, up to a heap's limit. */
  readonly reservationBytes: number;
  readonly checks: readonly DoctorCheck[];
}

const GIB = 2 ** 30;

/** A heap's words are counted in 30 bits. */
const HEAP_BYTES_MAX = 4 * GIB;

/** What each design reserves in a comparison, and a replay on threads at least. */
const COMPARE_BYTES = GIB;

const NODE_NEEDED = '20.19';

export async function work(_request: null): Promise<DoctorDocument> {
  const sharedProblem = missingFeature();
  const reservationBytes = sharedProblem === null ? largestReservation() : 0;
  const cores = availableParallelism();
  const checks = [
    checkNode(),
    checkShared(sharedProblem),
    checkWaits(sharedProblem === null && mayThreadSleep()),
    checkReservation(reservationBytes),
    checkCores(cores),
    checkWasm(sharedWasmProblem()),
  ];
  const ok = checks.every((check) => check.ok || !check.needed);
  return {
    command: 'doctor',
    verdict: ok ? 'holds' : 'violated',
    ok,
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    cores,
    reservationBytes,
    checks,
  };
}

function checkNode(): DoctorCheck {
  const found = process.versions.node;
  const [major = 0, minor = 0] = found.split('.').map(Number);
  const ok = major > 20 || (major === 20 && minor >= 19);
  return { name: 'Node', ok, found, needed: true, note: `${NODE_NEEDED} or newer` };
}

function checkShared(problem: string | null): DoctorCheck {
  return {
    name: 'SharedArrayBuffer',
    ok: problem === null,
    found: problem === null ? 'yes' : 'no',
    needed: true,
    note: problem ?? 'memory that all threads share',
  };
}

function checkWaits(ok: boolean): DoctorCheck {
  const note = ok
    ? 'a thread that waits for a lock or a grace period sleeps'
    : 'threads could only spin while they wait';
  return { name: 'blocking waits', ok, found: ok ? 'yes' : 'no', needed: true, note };
}

function checkReservation(bytes: number): DoctorCheck {
  const ok = bytes >= COMPARE_BYTES;
  const note = ok
    ? 'of a heap; reserved memory is used when it is touched'
    : 'a replay reserves 1 GiB; look at ulimit -v and vm.overcommit_memory';
  return { name: 'largest reservation', ok, found: formatSize(bytes), needed: true, note };
}

function checkCores(cores: number): DoctorCheck {
  const ok = cores >= 2;
  const note = ok
    ? 'threads really run at the same time'
    : 'threads take turns: all works, and few interleavings happen';
  return { name: 'cores', ok, found: String(cores), needed: false, note };
}

function checkWasm(problem: string | null): DoctorCheck {
  const note = problem ?? 'a heap may live in a WebAssembly memory';
  const found = problem === null ? 'yes' : 'no';
  return { name: 'WebAssembly shared memory', ok: problem === null, found, needed: false, note };
}

function largestReservation(): number {
  for (let bytes = HEAP_BYTES_MAX; bytes >= 2 ** 20; bytes /= 2) {
    if (canReserve(bytes)) return bytes;
  }
  return 0;
}

function canReserve(bytes: number): boolean {
  try {
    return reserveBuffer(bytes).byteLength === bytes;
  } catch {
    return false;
  }
}

/** What of WebAssembly is tried here: its types are the browser's, and Node's don't have them. */
interface WasmGlobal {
  readonly WebAssembly?: {
    readonly Memory: new (limits: {
      readonly initial: number;
      readonly maximum: number;
      readonly shared: boolean;
    }) => { readonly buffer: ArrayBufferLike };
  };
}

function sharedWasmProblem(): string | null {
  const { WebAssembly } = globalThis as WasmGlobal;
  if (WebAssembly === undefined) return 'this engine has no WebAssembly';
  try {
    const { buffer } = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    return buffer instanceof SharedArrayBuffer ? null : 'its memories are not shared';
  } catch (error) {
    return String(error);
  }
}

function formatSize(bytes: number): string {
  return bytes >= GIB ? `${bytes / GIB} GiB` : `${bytes / 2 ** 20} MiB`;
}
