/** Marks in a text, for whoever shows it: a terminal makes colours of them. */

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow';

/** Marks text; without colours it gives the text back. */
export type Paint = (style: Style, text: string) => string;
