/** The designs, by name. */
import { UsageError } from '../base/errors.js';
import type { Geometry } from '../pgtable/geometry.js';
import type { Sharing } from './common.js';
import { RecordedCommon } from './common-recorded.js';
import { TimedCommon } from './common-timed.js';
import type { Design, Mode } from './design.js';
import { WholePage } from './whole-page.js';

type Make = (geometry: Geometry, sharing: Sharing, mode: Mode) => Design;

const MAKERS: Readonly<Record<string, Make>> = Object.freeze({
  common: (geometry: Geometry, sharing: Sharing, mode: Mode): Design =>
    mode === 'gp' ? new TimedCommon(geometry, sharing) : new RecordedCommon(geometry, sharing),
  'whole-page': (): Design => new WholePage(),
});

/** Makes a design. Throws `UsageError` that lists the names for an unknown one. */
export function makeDesign(name: string, geometry: Geometry, sharing: Sharing, mode: Mode): Design {
  const make = Object.hasOwn(MAKERS, name) ? MAKERS[name] : undefined;
  if (make !== undefined) return make(geometry, sharing, mode);
  const known = Object.keys(MAKERS).join(', ');
  throw new UsageError('no-such-design', `no design ${name}; there are: ${known}`);
}
