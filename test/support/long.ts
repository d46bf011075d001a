/** Whether this is the run that takes minutes: `npm run test:all`. */
export const LONG: boolean = process.env['PTFRAG_LONG'] !== undefined;
