/**
 * The signals that a person, a terminal or a system stops a command with: the first asks the work
 * to stop, the second ends the process at once.
 */
import { exitCodeOfSignal, type StopSignal } from './failure.js';

export interface Interrupt {
  /** Its reason is the signal's name. */
  readonly signal: AbortSignal;
  /** Gives the signals back to Node. */
  release(): void;
}

const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const satisfies StopSignal[];

export function watchSignals(): Interrupt {
  const controller = new AbortController();
  const onSignal = (name: (typeof SIGNALS)[number]): void => {
    if (controller.signal.aborted) process.exit(exitCodeOfSignal(name));
    controller.abort(name);
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return {
    signal: controller.signal,
    release(): void {
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}
