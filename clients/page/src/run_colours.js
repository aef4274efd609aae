// The colours of small pictures, those of the large ones.

export { CLASS_TABLE, COLOUR_MAPS } from './colours.js';

/** What was not measured: a grey between the pages' light and dark grounds (0xAABBGGRR). */
export const UNKNOWN = 0xff5a5048;
