/** Ours and its variants (core.ts), as designs: two ways of ending grace periods for each. */
import { CORES, type Core } from '../../core/variants/core.js';
import { RecordedCommon } from './common-recorded.js';
import { TimedCommon } from './common-timed.js';
import type { DesignEntry } from './design.js';

export const CORE_DESIGNS: readonly DesignEntry[] = CORES.map(entryOf);

function entryOf(core: Core): DesignEntry {
  const { name, perPageMax } = core;
  return {
    name,
    architecture: null,
    perPageMax,
    make: (setting) =>
      setting.mode === 'gp' ? new TimedCommon(core, setting) : new RecordedCommon(core, setting),
  };
}
