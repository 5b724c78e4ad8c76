import { z } from 'zod';
import { bytesOf } from '../crew/memory.ts';

/** Docker's own limits: less is refused when the container is made. */
const least = { cpu: 0.01, memory: 6 * 1024 ** 2 };
const most = { cpu: 1024, memory: 1024 ** 4 };

/** Limits of an agent: `cpu` in cores (`"0.5"`), `memory` with a unit (`"512m"`, `"2g"`), time for one turn in seconds. */
export const resourcesSchema = z
  .object({
    cpu: z
      .union([z.string(), z.number()])
      .refine((cpu) => /^\d+(\.\d+)?$/.test(String(cpu)), 'must be a number of cores such as "0.5"')
      .refine((cpu) => Number(cpu) >= least.cpu && Number(cpu) <= most.cpu, 'must be from 0.01 to 1024 cores')
      .optional(),
    memory: z
      .string()
      .regex(/^[1-9]\d*[kmgKMG]$/, 'must be a whole number with the unit k, m or g, such as "512m"')
      .refine((memory) => bytesOf(memory) >= least.memory && bytesOf(memory) <= most.memory, 'must be from 6m to 1024g')
      .optional(),
    timeout_seconds: z.number().positive().max(86_400).optional(),
  })
  .nullable();
