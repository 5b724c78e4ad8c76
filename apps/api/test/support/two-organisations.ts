import { owner, type Person, startLocalApp } from './accounts.ts';
import { approvalRequest } from './approvals.ts';
import { createFakeBuses } from './fake-bus.ts';
import type { TestApp } from './test-app.ts';

/** Stands in everything that one organisation has and that another must never see. */
export const mark = 'canary-of-acme';

/** Two organisations on one server: `acme` has one of everything, `other` wants to see it. */
export interface TwoOrganisations {
  app: TestApp;
  acme: Person;
  other: Person;
  /** The parameters of a route's path, filled with what belongs to `acme`; throws for a route that nobody thought of. */
  pathOf(route: string): string;
}

type Ids = Record<string, string>;

/**
 * What `:id` means below a path, longest path first. A new kind of row gets a line here, and in `everything` below a
 * row of `acme`: the test of all routes fails until it has.
 */
function idsOf(ids: Ids): [prefix: string, parameters: Ids][] {
  const { team = '', agent = '', approval = '', member = '', invite = '', key = '' } = ids;
  const { schedule = '', scheduleRun = '', webhook = '', webhookRun = '', postAction = '', binding = '' } = ids;
  return [
    ['/api/org/members/', { id: member }],
    ['/api/org/invites/', { id: invite }],
    ['/api/auth/keys/', { id: key }],
    ['/api/settings/', { key: mark }],
    ['/api/schedules/', { id: schedule, runId: scheduleRun }],
    ['/api/webhooks/', { id: webhook, runId: webhookRun }],
    ['/api/post-actions/', { id: postAction, bindingId: binding }],
    ['/api/teams/', { id: team, agentId: agent, approvalId: approval, serverName: mark }],
    ['/ws/teams/', { id: team, agentId: agent }],
  ];
}

export async function twoOrganisations(): Promise<TwoOrganisations> {
  const buses = createFakeBuses();
  const app = await startLocalApp({ connectBus: buses.connectBus });
  const acme = await owner(app, `${mark} Inc`);
  const other = await owner(app);

  async function everything(): Promise<Ids> {
    const { client } = acme;
    const agents = [{ name: mark, role: 'leader' }];
    const { id, slug, agents: stored } = await client.createRunningTeam({ name: mark, description: mark, agents });
    await client.post(`/api/teams/${id}/chat`, { message: mark });
    const asked = approvalRequest({ reason: mark }, { from: mark });
    await (await buses.of(slug).deliver(asked, { kind: 'approval' })).done;
    await client.put('/api/settings', { key: mark, value: mark });
    const invite = await client.post('/api/org/invites', { email: `${mark}@example.org` });
    const key = await client.post('/api/auth/keys', { name: mark });
    await client.post(`/api/teams/${id}/mcp/servers`, { name: mark, transport: 'stdio', command: mark });
    return {
      ...(await automation(id)),
      team: id,
      agent: stored[0].id,
      approval: asked.message_id,
      member: acme.id,
      invite: invite.body.id,
      key: key.body.id,
    };
  }

  /** A schedule and a webhook, each with a run, and a post-action that follows the schedule. */
  async function automation(team_id: string): Promise<Ids> {
    const { client } = acme;
    const common = { name: mark, team_id };
    const schedule = await client.post('/api/schedules', { ...common, prompt: mark, cron_expression: '0 0 1 1 *' });
    const { body } = await client.post('/api/webhooks', { ...common, prompt_template: mark });
    const action = await client.post('/api/post-actions', { name: mark, url: 'https://example.org', method: 'POST' });
    const trigger = { trigger_type: 'schedule', trigger_id: schedule.body.id, trigger_on: 'any' };
    const binding = await client.post(`/api/post-actions/${action.body.id}/bindings`, trigger);
    const ended = { status: 'success' as const, prompt_sent: mark, finished_at: new Date() };
    const due = { schedule_id: schedule.body.id, due_at: new Date() };
    return {
      schedule: schedule.body.id,
      scheduleRun: app.db.schedules.insertRun({ ...due, ...ended })?.id ?? '',
      webhook: body.webhook.id,
      webhookRun: app.db.webhooks.insertRun({ webhook_id: body.webhook.id, ...ended }).id,
      postAction: action.body.id,
      binding: binding.body.id,
    };
  }

  const known = idsOf(await everything());
  function pathOf(route: string): string {
    const parameters = known.find(([prefix]) => route.startsWith(prefix))?.[1] ?? {};
    return route.replaceAll(/:(\w+)/g, (_, name: string) => {
      const value = parameters[name];
      if (!value) throw new Error(`${route}: nobody has said what :${name} is (test/support/two-organisations.ts)`);
      return encodeURIComponent(value);
    });
  }
  return { app, acme, other, pathOf };
}
