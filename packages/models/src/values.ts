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
  /** Slug of the agent that says so. */
  agent?: string;
  status: string;
  error?: string;
}

export interface SkillStatus {
  /** `<repo_url>:<skill_name>` */
  name: string;
  status: 'pending' | 'installed' | 'failed';
  error?: string;
}

export const roles = ['admin', 'member'] as const;
export type Role = (typeof roles)[number];

/** `skipped` is one that was due while the server was away, or while too many others ran. */
export const runStatuses = ['running', 'success', 'failed', 'timeout', 'skipped'] as const;
export type RunStatus = (typeof runStatuses)[number];

export type ScheduleStatus = 'idle' | 'running' | 'error';
export type WebhookStatus = 'idle' | 'running';

export const missedPolicies = ['skip', 'once'] as const;
export type MissedPolicy = (typeof missedPolicies)[number];

export const httpMethods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
export type HttpMethod = (typeof httpMethods)[number];

export const authTypes = ['none', 'bearer', 'basic', 'header'] as const;
export type AuthType = (typeof authTypes)[number];

export const triggerTypes = ['webhook', 'schedule'] as const;
export type TriggerType = (typeof triggerTypes)[number];

/** Which ends of a run set a post-action off; `failure` is a timeout, too. */
export const triggerOns = ['success', 'failure', 'any'] as const;
export type TriggerOn = (typeof triggerOns)[number];

/** How far a post-action has come. */
export const deliveryStatuses = ['pending', 'retrying', 'success', 'failed'] as const;
export type DeliveryStatus = (typeof deliveryStatuses)[number];
