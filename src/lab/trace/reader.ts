/**
 * Reads a recording from its file, plain or gzipped, and hands every event to a consumer.
 *
 * It streams: what is held is a chunk, the longest line allowed and what is live in the trace. The
 * consumer is called synchronously, in the order of the file, so it sees a serial history. A file
 * that is damaged, or that contradicts itself, is refused with an InputError that names the place;
 * by then the consumer has seen the events before it.
 */
import type { TraceCounts } from './counts.js';
import type { TraceEvent } from './event.js';
import type { TraceHeader } from './form.js';
import { TraceParser } from './parser.js';
import { type PourOptions, pourText } from './text-file.js';

export interface ReadOptions extends PourOptions {
  /** Called once, before the first event. */
  readonly onHeader?: ((header: TraceHeader) => void) | undefined;
}

/** A trace's header and counts. */
export type TraceFacts = TraceHeader & TraceCounts;

export async function readTrace(
  file: string,
  onEvent: (event: TraceEvent) => void,
  options: ReadOptions = {},
): Promise<TraceFacts> {
  const parser = new TraceParser(file, onEvent, options.onHeader);
  await pourText(file, parser, options);
  return parser.finish();
}
