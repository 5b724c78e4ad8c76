import type { RuntimeName } from '@agentcrew/runtime';
import { z } from 'zod';
import { bytesOf, coresOf, memoryProblem } from '../crew/quantities.ts';

/** Docker's own limits: less is refused when the container is made. */
const least = { cpu: 0.01, memory: 6 * 1024 ** 2 };
const most = { cpu: 1024, memory: 1024 ** 4 };

/** Limits of an agent. What its texts may be depends on the runtime: see `resourcesProblem`. */
export const resourcesSchema = z
  .object({
    cpu: z
      .union([z.string(), z.number()])
      .describe('Cores (`0.5`, `"0.5"`) or thousandths of one (`"500m"`)')
      .optional(),
    memory: z
      .string()
      .max(40)
      .describe(
        'Bytes with a unit that is a power of 1024: `"512Mi"`, `"2Gi"` (Ki, Mi, Gi, Ti). On Docker and local the same ' +
          'as `"512m"`, `"2g"` (k, m, g in either case); on Kubernetes also its decimal k, M, G, T and plain bytes',
      )
      .optional(),
    timeout_seconds: z.number().positive().max(86_400).describe('Time for one turn').optional(),
  })
  .nullable();

export type Resources = z.infer<typeof resourcesSchema>;

/** The first broken rule of what an agent may use on this runtime, as a sentence that begins with the field's name. */
export function resourcesProblem(resources: Resources | undefined, runtime: RuntimeName): string | undefined {
  const { cpu, memory } = resources ?? {};
  const ofCpu = cpu === undefined ? undefined : cpuRule(cpu);
  if (ofCpu) return `resources.cpu ${ofCpu}`;
  const ofMemory = memory === undefined ? undefined : memoryRule(memory, runtime);
  return ofMemory && `resources.memory ${ofMemory}`;
}

function cpuRule(cpu: string | number): string | undefined {
  const cores = coresOf(cpu);
  if (cores === undefined) return 'must be a number of cores such as "0.5" or "500m"';
  return cores >= least.cpu && cores <= most.cpu ? undefined : 'must be from 0.01 to 1024 cores';
}

function memoryRule(memory: string, runtime: RuntimeName): string | undefined {
  const problem = memoryProblem(memory, runtime);
  if (problem) return problem;
  const bytes = bytesOf(memory, runtime) ?? 0;
  return bytes >= least.memory && bytes <= most.memory ? undefined : 'must be from 6Mi to 1Ti';
}
