/** What the typed columns hold. */

export const teamStatuses = ['stopped', 'deploying', 'running', 'error'] as const;
export type TeamStatus = (typeof teamStatuses)[number];

export const containerStatuses = ['stopped', 'running', 'error'] as const;
export type ContainerStatus = (typeof containerStatuses)[number];

/** `pending`: to be published. `sent`: stored by JetStream. `answered`: its reply is in the log. */
export type Delivery = 'pending' | 'sent' | 'answered';

/** An MCP server of a team, as clients write it. */
export interface McpServer {
  name: string;
  transport: 'stdio' | 'http' | 'sse';
  command?: string;
  args?: string[];
  url?: string;
  env?: Record<string, string>;
  headers?: Record<string, string>;
}

export interface McpStatus {
  name: string;
  status: string;
  error?: string;
}

export interface SkillStatus {
  /** `<repo_url>:<skill_name>` */
  name: string;
  status: 'pending' | 'installed' | 'failed';
  error?: string;
}
