/** The geometry to replay under, where another than the recording's can be asked for. */
import { UsageError } from '../../core/base/errors.js';
import { type Geometry, geometryNamed } from '../../core/pgtable/geometry.js';
import type { TraceHeader } from '../trace/form.js';

/** It must have the kinds that the trace has. Throws `UsageError`. */
export function geometryFor(header: TraceHeader, asked: string | null): Geometry {
  const geometry = geometryNamed(asked ?? header.geometry);
  if (header.perPage[1] === 0 || geometry.kinds.length > 1) return geometry;
  const message = `geometry ${geometry.name} has no PMD tables, but the trace does`;
  throw new UsageError('geometry-too-small', message);
}
