/** Where an error of somebody else's was thrown: what of its stack is not the checker's own. */

/** What V8 writes for a function of the checker. */
const OWN_FRAME = /[\\/]checker[\\/]model[\\/]\w+\.[jt]s:/;

/** A frame's file, line and column. */
const PLACE = /(?:file:\/\/)?((?:\/|[A-Za-z]:\\)[^()]*:\d+:\d+)\)?$/;

/** The stack down to the checker, and those of the causes; null: none was written down. */
export function stackOf(error: unknown): string | null {
  const own: string[] = [];
  // A cause may be its own: a few are enough.
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const lines = String(at.stack ?? at).split('\n');
    const end = lines.findIndex((line) => OWN_FRAME.test(line));
    own.push((end < 0 ? lines : lines.slice(0, end)).join('\n'));
  }
  return own.length === 0 ? null : own.join('\ncaused by ');
}

/** File, line and column of the first frame of a stack; null: it has none. */
export function placeOf(stack: string | null): string | null {
  for (const line of stack?.split('\n') ?? []) {
    const place = PLACE.exec(line)?.[1];
    if (place !== undefined) return place;
  }
  return null;
}
