export { checkClaude } from './check-claude.ts';
export * from './claude.ts';
export { toEvents } from './events.ts';
export { findClaude } from './find-claude.ts';
export { launch } from './launch.ts';
export { startClaude } from './start-claude.ts';
export type { McpResult, McpTool, ToolServer } from './tool-server.ts';
export { type TranscriptState, transcriptState } from './transcript-state.ts';
