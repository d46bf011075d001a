/** Options of strace with which its log does not say all, or not when. */
import type { Warning } from './line-parser.js';

export class OddLog {
  /** Calls that are printed when they have returned, behind lines of what they did. */
  late = 0;
  /** Tasks that strace left at their exec. */
  detached = 0;

  get warnings(): Warning[] {
    const warnings: Warning[] = [];
    if (this.late > 0) {
      const message =
        'calls stand behind lines that are later than they (strace -z, -e status), as often as ' +
        `${this.late}: whose child is whose is guessed; record without that option`;
      warnings.push({ code: 'late-calls', message, doubtful: true });
    }
    if (this.detached > 0) {
      const message =
        `strace left ${this.detached} tasks at their exec (-b): what they did then is missing; ` +
        'record without that option';
      warnings.push({ code: 'detached-tasks', message, doubtful: true });
    }
    return warnings;
  }
}
