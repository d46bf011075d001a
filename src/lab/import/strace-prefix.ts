/**
 * What strace prints before a call: whose line it is, and when.
 *
 *   8985<sh> 1795346177.284751 (+     0.000755) [  12] [00007f3eb8985c47] brk(NULL) = …
 *   [pid 10180] 12:00:00.5 brk(NULL) = …
 *
 * Times are in seconds (-ttt), of day (-t, -tt), since the last line (-r), or missing: then a line
 * counts as 100 microseconds. The numbers in brackets are the call's (-n) and the program's place
 * (-i).
 */
import { matchAt, microseconds } from './line-parser.js';

/** Also with the command of the task (-Y). */
const PID = /\[pid +(\d+)(?:<[^>]*>)?\] +|(\d+)(?:<[^>]*>)? +/y;
const TIME = /(\d\d):(\d\d):(\d\d(?:\.\d+)?) | *(\d+(?:\.\d+)?) /y;
const SINCE_LAST = /\(\+ *(\d+(?:\.\d+)?)\) /y;
const PLACE = /\[[ \da-fx?]*\] /y;

/** Linux has no greater ones: then it is a time in seconds. */
const PID_MAX = 4_194_304;

const UNTIMED_US = 100;
const DAY_US = 86_400e6;
/** Smaller times with a fraction are since the last line. */
const RELATIVE_SECONDS_MAX = 1e7;

export class StracePrefix {
  timeUs = 0;
  /** Of the line that was read last; null: none is printed. */
  pid: number | null = null;
  /** Whether that line has a time that those of other files can be compared with. */
  isTimed = false;
  private lastOfDayUs = 0;

  /** Gives what stands behind the prefix. */
  read(text: string): string {
    const pid = matchAt(PID, text, 0);
    const number = Number(pid?.[1] ?? pid?.[2]);
    const isPid = pid !== null && number <= PID_MAX;
    this.pid = isPid ? number : null;
    let at = isPid ? pid[0].length : 0;
    const time = matchAt(TIME, text, at);
    at += time?.[0].length ?? 0;
    const since = matchAt(SINCE_LAST, text, at);
    at += since?.[0].length ?? 0;
    this.readTime(time, since?.[1]);
    for (let place = matchAt(PLACE, text, at); place !== null; place = matchAt(PLACE, text, at)) {
      at += place[0].length;
    }
    return text.slice(at).trimStart();
  }

  private readTime(time: RegExpExecArray | null, since: string | undefined): void {
    const [, hours, minutes, seconds, decimal] = time ?? [];
    this.isTimed = hours !== undefined || Number(decimal) >= RELATIVE_SECONDS_MAX;
    if (hours !== undefined) this.readTimeOfDay(hours, minutes ?? '', seconds ?? '', since);
    else if (decimal === undefined) this.timeUs += UNTIMED_US;
    else if (this.isTimed) this.timeUs = microseconds(decimal);
    else this.timeUs += microseconds(decimal);
  }

  private readTimeOfDay(
    hours: string,
    minutes: string,
    seconds: string,
    since: string | undefined,
  ): void {
    const ofDayUs = (Number(hours) * 60 + Number(minutes)) * 60e6 + microseconds(seconds);
    // A clock that jumps back by half a day has passed midnight.
    const passed = this.lastOfDayUs - ofDayUs > DAY_US / 2 ? DAY_US : 0;
    const passedUs =
      since !== undefined && !seconds.includes('.')
        ? microseconds(since)
        : ofDayUs + passed - this.lastOfDayUs;
    this.timeUs += this.timeUs === 0 ? ofDayUs : passedUs;
    this.lastOfDayUs = ofDayUs;
  }
}
