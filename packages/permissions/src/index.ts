export { type Approved, approvedBy, isApproved, questionTool } from './approved.ts';
export type { Decision } from './decide.ts';
export { crewTools, defaultPermissions, effectivePermissions, type RuntimeName } from './effective.ts';
export type { ToolRequest } from './input.ts';
export { isBelow } from './paths.ts';
export { realPath } from './real-path.ts';
export { type Permissions, permissionsSchema, type StoredPermissions } from './schema.ts';
export { toolsFor } from './tools.ts';
