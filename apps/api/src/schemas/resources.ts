import { z } from 'zod';

/** Limits of an agent: `cpu` in cores (`"0.5"`), `memory` with a unit (`"512m"`, `"2g"`), time for one turn in seconds. */
export const resourcesSchema = z
  .object({
    cpu: z
      .union([z.string(), z.number()])
      .refine((cpu) => /^\d+(\.\d+)?$/.test(String(cpu)) && Number(cpu) > 0, 'must be a number of cores such as "0.5"')
      .optional(),
    memory: z
      .string()
      .regex(/^[1-9]\d*[kmgKMG]$/, 'must be a whole number with the unit k, m or g, such as "512m"')
      .optional(),
    timeout_seconds: z.number().positive().max(86_400).optional(),
  })
  .nullable();
