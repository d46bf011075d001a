/**
 * Which recordings of the package designs can be driven by. Apart from their names in traces.ts,
 * because all designs are loaded with it, which a command's help does without.
 */
import { GEOMETRIES } from '../../core/pgtable/geometry.js';
import { architectureOf, designFits } from '../../lab/designs/index.js';
import type { NamedTrace } from './traces.js';

/** Those recordings of the package that designs which were asked for can be driven by. */
export function fitting(traces: NamedTrace[], designs: readonly string[]): NamedTrace[] {
  const wanted = designs.map(architectureOf).filter((architecture) => architecture !== null);
  const tooSmall = Object.values(GEOMETRIES).filter((geometry) =>
    designs.some((design) => architectureOf(design) === null && !designFits(design, geometry)),
  );
  // The package's names say the geometry where an architecture has several: quick-radix.
  const shapes = tooSmall.flatMap(({ name }) => /^powerpc-(\w+)-64k$/.exec(name)?.[1] ?? []);
  return traces.filter(
    ({ name }) =>
      wanted.every((folder) => name.startsWith(`${folder}/`)) &&
      !shapes.some((shape) => name.includes(`-${shape}.`)),
  );
}
