/** The architectures whose Linux is known here, and which geometries are theirs. */

/** How the names of an architecture's geometries begin. */
const GEOMETRY_START = { s390x: 's390', ppc64le: 'powerpc-' } as const;

export type Architecture = keyof typeof GEOMETRY_START;

/** Whose geometry it is, by its name. Null: of none of them. */
export function architectureWith(geometry: string): Architecture | null {
  const names = Object.keys(GEOMETRY_START) as Architecture[];
  return names.find((name) => geometry.startsWith(GEOMETRY_START[name])) ?? null;
}
