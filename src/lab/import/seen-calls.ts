/**
 * Which kinds of memory calls a recording has. One that lacks a whole kind was told to leave it
 * out:
 *
 *   none at all       though a program began, or had more faults than the smallest one
 *   no munmap, brk    though the loader has mapped files: it asks for the break, unmaps its cache
 *   no mmap           though a program that began in the recording unmaps something
 *
 * A program without a loader may do without any of these, so what it lacks proves nothing.
 */
import type { Action } from './action.js';
import type { Recorder, Warning } from './line-parser.js';

/** More than a program without a loader has. */
const FAULTS_MANY = 64;

/** Parts of files: what the loader maps for three programs. */
const FILE_MAPS_MANY = 16;

const ALL = 'mmap, munmap, mremap or brk';

export class SeenCalls {
  private execs = 0;
  private maps = 0;
  private unmaps = 0;
  private breaks = 0;
  private others = 0;
  /** Parts of files, and whatever the recorder says of mappings by itself. */
  private fileMaps = 0;
  private records = 0;

  see(action: Action): void {
    if (action.op === 'exec') this.execs++;
    else if (action.op === 'unmap') this.unmaps++;
    else if (action.op === 'brk') this.breaks++;
    else if (action.op === 'remap' || action.op === 'protect') this.others++;
    else if (action.op === 'map') {
      if (action.replaces) this.maps++;
      else this.records++;
      if (!action.anonymous) this.fileMaps++;
    }
  }

  warnings({ hasFaults }: Recorder, faults: number): Warning[] {
    const missing = this.missing(hasFaults ? faults >= FAULTS_MANY : this.execs > 0);
    if (missing === null) return [];
    const how = hasFaults ? 'docs/import.md has the commands' : 'strace -e trace=%memory,%process';
    const message = `no line has a call of ${missing}: they were not recorded (${how})`;
    return [{ code: 'calls-not-recorded', message, doubtful: true }];
  }

  private missing(hasBegun: boolean): string | null {
    const { execs, maps, unmaps, breaks, fileMaps, records } = this;
    if (maps + unmaps + breaks + this.others === 0) return hasBegun ? ALL : null;
    const isLoaded = fileMaps >= FILE_MAPS_MANY;
    const kinds = [
      execs > 0 && unmaps > 0 && maps + records === 0 ? 'mmap' : '',
      isLoaded && unmaps === 0 ? 'munmap' : '',
      isLoaded && execs > 0 && breaks === 0 ? 'brk' : '',
    ].filter((kind) => kind !== '');
    return kinds.length === 0 ? null : kinds.join(' or ');
  }
}
