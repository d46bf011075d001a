/** What a comparison's designs are called where people read it. */

/** The design's name, and whom its pages serve where it has the choice and all share them. */
export function designName({
  design,
  sharing,
}: {
  readonly design: string;
  readonly sharing: string | null;
}): string {
  return sharing === 'all' ? `${design}, all` : design;
}
