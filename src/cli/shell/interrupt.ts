/** SIGINT and SIGTERM: the first asks the work to stop, the second ends the process at once. */
import { EXIT } from './failure.js';

export interface Interrupt {
  /** Its reason is the signal's name. */
  readonly signal: AbortSignal;
  /** Gives the signals back to Node. */
  release(): void;
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

export function watchSignals(): Interrupt {
  const controller = new AbortController();
  const onSignal = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
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
