import type { ApprovalDecision, ApprovalRow } from '@agentcrew/models';
import { approvalScopes, approvalStatuses, CrewError, questionSchema } from '@agentcrew/protocol';
import { z } from 'zod';
import { timestampSchema } from './common.ts';
import { listQuery } from './message.ts';

const objectSchema = z.record(z.string(), z.unknown());

export const approvalSchema = z
  .object({
    id: z.string().describe('The `approval_id` of its messages'),
    team_id: z.string(),
    agent: z.string().describe('Slug of the agent that waits'),
    message_id: z.string().nullable().describe('The message that the agent works on'),
    type: z.enum(['tool', 'question']).describe('May this call run, or: Claude asks something'),
    tool: z.string(),
    input: objectSchema.describe('Input of the tool, as it would run'),
    questions: z.array(z.unknown()).nullable(),
    reason: z.string().describe('Why a person is asked'),
    status: z.enum(approvalStatuses),
    scope: z.enum(approvalScopes).nullable(),
    message: z.string().describe('Of the person who decided, or why nobody did'),
    updated_input: objectSchema.nullable(),
    created_at: timestampSchema,
    expires_at: timestampSchema.describe('Without an answer by then the call is denied'),
    decided_at: timestampSchema.nullable(),
    delivered_at: timestampSchema.nullable().describe('When the agent had the decision; null: it will be told'),
  })
  .meta({ id: 'Approval' });

export function approvalJson(row: ApprovalRow): z.infer<typeof approvalSchema> {
  return {
    ...row,
    created_at: row.created_at.toISOString(),
    expires_at: row.expires_at.toISOString(),
    decided_at: row.decided_at?.toISOString() ?? null,
    delivered_at: row.delivered_at?.toISOString() ?? null,
  };
}

export const approvalsQuery = listQuery(50, 200)
  .pick({ limit: true })
  .extend({
    status: z.enum(approvalStatuses).optional(),
    before: z
      .union([z.uuid(), z.iso.datetime({ offset: true }).transform((text) => new Date(text))], {
        error: 'must be an RFC 3339 time or the id of an approval',
      })
      .optional(),
  });

export const decisionSchema = z
  .object({
    decision: z.enum(['allow', 'deny']),
    scope: z
      .enum(approvalScopes)
      .default('once')
      .describe('Of an allowed call: this one, the same in this Claude session, or always (added to the permissions)'),
    message: z.string().max(2_000).optional().describe('Told to the agent, when denied'),
    updated_input: objectSchema.optional().describe("Takes the place of the call's input; the permissions apply to it"),
    answers: z
      .record(z.string(), z.union([z.string(), z.array(z.string())]))
      .optional()
      .describe('For questions: the label (or labels, or a text) that answers each question'),
  })
  .meta({ id: 'Decision' });

type DecisionInput = z.infer<typeof decisionSchema>;

/** An agent's bus takes a mebibyte, and the rest of the answer is small. In bytes of JSON. */
const largestInput = 256 * 1024;
/** The longest command that permissions can hold. */
const longestCommand = 20_000;

/** What the input means for this approval. Throws INVALID_REQUEST, PAYLOAD_TOO_LARGE. */
export function decisionFor(approval: ApprovalRow, input: DecisionInput): ApprovalDecision {
  const message = input.message ?? '';
  if (input.decision === 'deny') return { status: 'denied', scope: 'once', message, updated_input: null };
  const updated_input = approval.type === 'question' ? answered(approval, input) : changed(input);
  if (updated_input && Buffer.byteLength(JSON.stringify(updated_input)) > largestInput) {
    throw new CrewError('PAYLOAD_TOO_LARGE', `updated_input is larger than ${largestInput} bytes`);
  }
  // The answer to a question is good for that question alone.
  const scope = approval.type === 'question' ? 'once' : input.scope;
  if (scope === 'always') checkLength(updated_input ?? approval.input);
  return { status: 'allowed', scope, message, updated_input };
}

function changed({ answers, updated_input }: DecisionInput): ApprovalDecision['updated_input'] {
  if (answers) throw new CrewError('INVALID_REQUEST', 'answers belong to a question, and this is a call of a tool');
  return updated_input ?? null;
}

/** Claude knows each answer by the text of its question; several labels are one text. */
function answered({ questions }: ApprovalRow, input: DecisionInput): Record<string, unknown> {
  const answers = decisionSchema.shape.answers.safeParse(input.answers ?? input.updated_input?.answers).data ?? {};
  const known = z
    .array(questionSchema)
    .catch([])
    .parse(questions ?? []);
  const strange = Object.keys(answers).find((text) => known.every(({ question }) => question !== text));
  if (strange !== undefined) throw new CrewError('INVALID_REQUEST', `answers: this was not asked: ${strange}`);
  if (Object.keys(answers).length === 0) {
    throw new CrewError('INVALID_REQUEST', 'answers is required to allow a question: {"<question>": "<label>"}');
  }
  const texts = Object.entries(answers).map(([text, answer]) => [text, [answer].flat().join(', ')]);
  return { answers: Object.fromEntries(texts) };
}

function checkLength({ command }: Record<string, unknown>): void {
  if (typeof command !== 'string' || command.length <= longestCommand) return;
  throw new CrewError(
    'INVALID_REQUEST',
    `scope: a command of more than ${longestCommand} characters cannot be allowed always`,
  );
}
