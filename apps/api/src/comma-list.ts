import { z } from 'zod';

/** Items separated by commas; blanks around them and empty ones are passed over. */
export const commaListSchema = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);
