/** One call of a tool, as the CLI asks about it. */
export interface ToolRequest {
  tool: string;
  /** The tool's input, written by the model. */
  input: Record<string, unknown>;
  /** Where the tool runs. Absolute. */
  cwd: string;
  /** What `~` means to the tool. Absolute. */
  home: string;
}

/** Fields by which tools take a path. */
export const pathFields = ['file_path', 'notebook_path', 'path'] as const;

/** Without these fields there is nothing to judge a call of the tool by. */
const required = new Map([
  ['Bash', 'command'],
  ['Read', 'file_path'],
  ['Edit', 'file_path'],
  ['MultiEdit', 'file_path'],
  ['Write', 'file_path'],
  ['NotebookEdit', 'notebook_path'],
  ['Glob', 'pattern'],
]);

/** Names that mean something else to JavaScript than to whoever wrote the input. */
const treacherous = ['__proto__', 'constructor', 'prototype'];

/** The text of a field; `undefined` when the input does not have it. */
export function textOf(input: Record<string, unknown>, field: string): string | undefined {
  const value = Object.hasOwn(input, field) ? input[field] : undefined;
  return typeof value === 'string' ? value : undefined;
}

/** Why the call cannot be judged; `undefined` when it can. */
export function inputProblem({ tool, input }: ToolRequest): string | undefined {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return 'unreadable input: not an object';
  const odd = treacherous.find((field) => Object.hasOwn(input, field));
  if (odd !== undefined) return `unreadable input: ${odd}`;
  const judged = ['command', ...pathFields, ...(tool === 'Glob' ? ['pattern'] : [])];
  const mistyped = judged.find((field) => Object.hasOwn(input, field) && typeof input[field] !== 'string');
  if (mistyped !== undefined) return `unreadable input: ${mistyped} is not a text`;
  const missing = required.get(tool);
  return missing === undefined || Object.hasOwn(input, missing) ? undefined : `unreadable input: ${missing} is missing`;
}
