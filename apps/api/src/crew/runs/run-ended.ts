import type { Run } from '@agentcrew/models';

/** The end of a run, for whoever acts upon it. */
export interface RunEnded {
  trigger_type: 'schedule' | 'webhook';
  trigger_id: string;
  trigger_name: string;
  team_name: string;
  org_id: string;
  run: {
    id: string;
    status: 'success' | 'failed' | 'timeout';
    started_at: Date;
    finished_at: Date;
    error: string;
    prompt_sent: string;
    response_received: string;
  };
}

export function runEnded(run: Run, status: RunEnded['run']['status'], finishedAt: Date, teamName: string): RunEnded {
  const { id, started_at, error, prompt_sent, response_received } = run;
  return {
    trigger_type: run.type,
    trigger_id: run.trigger.id,
    trigger_name: run.trigger.name,
    team_name: teamName,
    org_id: run.trigger.org_id,
    run: { id, status, started_at, finished_at: finishedAt, error, prompt_sent, response_received },
  };
}
