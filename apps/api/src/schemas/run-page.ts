import { z } from 'zod';

/** Which page of a list of runs. What is out of range counts as absent. */
export const pageQuery = z.object({
  page: z.coerce.number().int().min(1).max(1_000_000_000).catch(1).describe('From 1').optional(),
  per_page: z.coerce.number().int().min(1).max(100).catch(20).describe('1 to 100, default 20').optional(),
});

/** Rows to read for a page. */
export function pageRows({ page = 1, per_page = 20 }: z.infer<typeof pageQuery>) {
  return { page, per_page, limit: per_page, offset: (page - 1) * per_page };
}

/** One page, newest first. */
export function pageOf<T extends z.ZodType>(row: T) {
  return z.object({
    data: z.array(row),
    total: z.int().describe('On all pages'),
    page: z.int(),
    per_page: z.int(),
  });
}
