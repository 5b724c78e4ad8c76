/**
 * Every error code of the system with the HTTP status it answers with.
 * A code that is missing here does not compile; clients may rely on the codes, texts may change.
 */
export const statusOf = {
  INVALID_REQUEST: 400,
  EMAIL_TAKEN: 400,
  ORG_NAME_TAKEN: 400,
  INVITE_INVALID: 400,
  UNAUTHENTICATED: 401,
  INVALID_CREDENTIALS: 401,
  FORBIDDEN: 403,
  SIGN_IN_OFF: 403,
  REGISTRATION_DISABLED: 403,
  PASSWORD_CHANGE_REQUIRED: 403,
  WEBHOOK_TOKEN_UNKNOWN: 401,
  SIGNATURE_INVALID: 401,
  ORIGIN_NOT_ALLOWED: 403,
  WEBHOOK_DISABLED: 403,
  NOT_FOUND: 404,
  TEAM_NOT_FOUND: 404,
  AGENT_NOT_FOUND: 404,
  SETTING_NOT_FOUND: 404,
  APPROVAL_NOT_FOUND: 404,
  MEMBER_NOT_FOUND: 404,
  INVITE_NOT_FOUND: 404,
  API_KEY_NOT_FOUND: 404,
  FILE_NOT_FOUND: 404,
  SCHEDULE_NOT_FOUND: 404,
  WEBHOOK_NOT_FOUND: 404,
  RUN_NOT_FOUND: 404,
  POST_ACTION_NOT_FOUND: 404,
  POST_ACTION_BINDING_NOT_FOUND: 404,
  MCP_SERVER_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  TEAM_NAME_TAKEN: 409,
  AGENT_NAME_TAKEN: 409,
  MCP_SERVER_NAME_TAKEN: 409,
  TEAM_ALREADY_RUNNING: 409,
  TEAM_DEPLOYING: 409,
  TEAM_NOT_RUNNING: 409,
  TEAM_NOT_STOPPED: 409,
  AGENT_RUNNING: 409,
  AGENT_NOT_RUNNING: 409,
  APPROVAL_DECIDED: 409,
  INVITE_REFUSED: 409,
  WORKSPACE_UNAVAILABLE: 409,
  SCHEDULE_RUNNING: 409,
  POST_ACTION_BINDING_EXISTS: 409,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  RANGE_NOT_SATISFIABLE: 416,
  MISDIRECTED_REQUEST: 421,
  UPGRADE_REQUIRED: 426,
  TOO_MANY_CONNECTIONS: 429,
  TOO_MANY_RUNS: 429,
  INTERNAL: 500,
  STORAGE_UNAVAILABLE: 503,
  SHUTTING_DOWN: 503,
  // The rest is seen in a team's `status_message` and in replies, hardly ever as an HTTP answer.
  INVALID_TEAM: 409,
  CREDENTIAL_MISSING: 409,
  RUNTIME_FAILED: 500,
  NATS_UNAVAILABLE: 503,
  CLI_NOT_FOUND: 500,
  CLI_FAILED: 500,
  SKILL_INSTALL_FAILED: 500,
  AGENT_NOT_READY: 504,
  AGENT_UNRESPONSIVE: 504,
  AGENT_FAILED: 500,
  DEPLOY_CANCELLED: 409,
  DEPLOY_TIMEOUT: 504,
  AUTHENTICATION_FAILED: 502,
  RATE_LIMITED: 429,
  MODEL_UNAVAILABLE: 502,
  TURN_FAILED: 502,
  TURN_TIMEOUT: 504,
  TURN_STALLED: 504,
  TURN_INTERRUPTED: 409,
  TEAM_STOPPED: 409,
  BUDGET_EXCEEDED: 402,
  DEADLINE_PASSED: 504,
  DELEGATION_REFUSED: 409,
} as const satisfies Record<string, number>;

export type ErrorCode = keyof typeof statusOf;

/** The one error of the system. `message` is for a person; for codes with a 5xx status it is logged, not sent. */
export class CrewError extends Error {
  readonly code: ErrorCode;
  readonly details: unknown;

  constructor(code: ErrorCode, message: string, options: { details?: unknown; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'CrewError';
    this.code = code;
    this.details = options.details;
  }

  get status(): number {
    return statusOf[this.code];
  }
}

/** The text of anything thrown, for a log line or a status message. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
