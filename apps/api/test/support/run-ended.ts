import { randomUUID } from 'node:crypto';
import type { RunEnded } from '@agentcrew/api/crew/runs/run-ended.ts';
import { defaultOrgId } from '@agentcrew/models';

/** The end of a run of a schedule, in success unless told otherwise. */
export function runEnded(
  trigger_id: string,
  { run, ...values }: Partial<Omit<RunEnded, 'run'>> & { run?: Partial<RunEnded['run']> } = {},
): RunEnded {
  return {
    trigger_type: 'schedule',
    trigger_id,
    trigger_name: 'nightly',
    team_name: 'docs',
    org_id: defaultOrgId,
    run: {
      id: randomUUID(),
      status: 'success',
      started_at: new Date('2026-11-27T01:00:00Z'),
      finished_at: new Date('2026-11-27T01:00:05Z'),
      error: '',
      prompt_sent: 'write the report',
      response_received: 'It is "written".\nIn full.',
      ...run,
    },
    ...values,
  };
}
