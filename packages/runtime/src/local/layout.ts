import { join } from 'node:path';
import { processFiles, slugSchema } from '@agentcrew/protocol';

/** Where an agent's state, records and logs are. */
export interface AgentFiles {
  stateDir: string;
  record: string;
  health: string;
  stdout: string;
  stderr: string;
}

/** The data directory of the local runtime. Team and agent are slugs, which are safe as folder names. */
export function layout(dataDir: string) {
  const teams = join(dataDir, 'teams');
  return {
    teams,
    team: (team: string) => join(teams, team),
    workspace: (team: string) => join(teams, team, 'workspace'),
    agents: (team: string) => join(teams, team, 'agents'),
    agent(team: string, agent: string): AgentFiles {
      const stateDir = join(teams, team, 'agents', agent);
      return {
        stateDir,
        record: join(stateDir, processFiles.record),
        health: join(stateDir, 'health.json'),
        stdout: join(stateDir, processFiles.stdout),
        stderr: join(stateDir, processFiles.stderr),
      };
    },
    nats: join(dataDir, 'nats'),
  };
}
export type Layout = ReturnType<typeof layout>;

/** An agent's id in this runtime: `local:<team>/<agent>`. */
export function agentId(team: string, agent: string): string {
  return `local:${team}/${agent}`;
}

/** Team and agent of an id; `undefined` for anything that is not an id of this runtime. */
export function parseAgentId(id: string): { team: string; agent: string } | undefined {
  const [team, agent, ...rest] = id.startsWith('local:') ? id.slice('local:'.length).split('/') : [];
  if (!slugSchema.safeParse(team).success || !slugSchema.safeParse(agent).success || rest.length > 0) return undefined;
  return team && agent ? { team, agent } : undefined;
}
