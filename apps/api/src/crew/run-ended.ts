import type { TriggerType } from '@agentcrew/models';

/** A run of a schedule or webhook that is over. */
export interface RunEnded {
  trigger_type: TriggerType;
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
