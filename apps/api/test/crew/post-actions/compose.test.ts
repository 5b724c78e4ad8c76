import { compose } from '@agentcrew/api/crew/post-actions/compose.ts';
import type { PostAction } from '@agentcrew/models';
import { describe, expect, test } from 'vitest';

const values = {
  status: 'success',
  response: 'It is "written".\nIn full: {{prompt}} \\ ü',
  error: '',
  trigger_name: 'a/b?c=d&e#f',
  trigger_type: 'schedule',
  team_name: 'docs',
  run_id: 'run-1',
  started_at: '2026-11-27T01:00:00.000Z',
  finished_at: '2026-11-27T01:00:05.000Z',
  prompt: 'secret prompt',
};

function composed(action: Partial<PostAction> = {}, placeholders: Record<string, string> = values) {
  const row: PostAction = {
    id: 'a',
    org_id: 'o',
    name: 'notify',
    description: '',
    method: 'POST',
    url: 'https://example.org/hook',
    headers: null,
    body_template: '',
    auth_type: 'none',
    auth_config: null,
    timeout_seconds: 30,
    retry_count: 0,
    enabled: true,
    created_at: new Date(0),
    updated_at: new Date(0),
    unreadable: false,
    ...action,
  };
  return compose(row, { id: 'id-1', placeholders, template: row.body_template });
}
const bodyOf = (body_template: string) => composed({ body_template }).request.body;

describe('a body', () => {
  test('that looks like JSON stays JSON', () => {
    const body = bodyOf(' {"text": "{{response}}", "list": ["{{status}}", "{{run_id}}"]}');
    expect(JSON.parse(body ?? '')).toEqual({ text: values.response, list: ['success', 'run-1'] });
    expect(JSON.parse(bodyOf('["{{response}}"]') ?? '')).toEqual([values.response]);
    expect(JSON.parse(bodyOf('"{{response}}"') ?? '')).toEqual(values.response);
  });

  test('of another kind has the texts as they are', () => {
    expect(bodyOf('{{status}}: {{response}}')).toBe(`success: ${values.response}`);
    expect(bodyOf('{{response}}')).toBe(values.response);
    expect(bodyOf('[docs] {{response}}')).toBe(`[docs] ${values.response}`);
  });

  test('of lines of JSON stays that', () => {
    const body = bodyOf('{"index":{}}\n{"text":"{{response}}"}\n') ?? '';
    expect(body.split('\n').map((line) => line && JSON.parse(line))).toEqual([
      { index: {} },
      { text: values.response },
      '',
    ]);
  });

  test('of a form has values encoded', () => {
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8' };
    const { body = '' } = composed({ headers, body_template: 'text={{trigger_name}}&more={{response}}' }).request;
    expect([...new URLSearchParams(body)]).toEqual([
      ['text', values.trigger_name],
      ['more', values.response],
    ]);
  });

  test('knows all placeholders, keeps those it does not know, and renders once', () => {
    const names = Object.keys(values);
    const body = bodyOf(names.map((name) => `${name}={{${name}}}`).join('|'));
    expect(body).toBe(names.map((name) => `${name}=${values[name as keyof typeof values]}`).join('|'));
    expect(bodyOf('x {{unknown}} {{ status }} {{STATUS}} {status} {{{status}}} {{constructor}}')).toBe(
      'x {{unknown}} {{ status }} {{STATUS}} {status} {success} {{constructor}}',
    );
  });

  test('makes nothing of dollars in values', () => {
    expect(composed({ body_template: '{{response}}' }, { response: "$& $1 $' $$" }).request.body).toBe("$& $1 $' $$");
  });

  test('is none when it is empty', () => {
    const { request } = composed();
    expect(request.body).toBeUndefined();
    expect(request.headers).not.toHaveProperty('content-type');
  });
});

describe('a URL', () => {
  const urlOf = (url: string, placeholders?: Record<string, string>) =>
    composed({ url }, placeholders).request.url.href;
  test('has values encoded', () => {
    expect(urlOf('https://example.org/{{trigger_name}}?q={{response}}&x={{status}}')).toBe(
      'https://example.org/a%2Fb%3Fc%3Dd%26e%23f?q=It%20is%20%22written%22.%0AIn%20full%3A%20%7B%7Bprompt%7D%7D%20%5C%20%C3%BC&x=success',
    );
  });

  test.each(['..', '.', '%2e%2e'.replaceAll('%', '%')])('is not led elsewhere by %j', (value) => {
    const url = () => urlOf('https://example.org/a/{{trigger_name}}/b', { trigger_name: value });
    if (value.startsWith('%')) expect(url()).toBe('https://example.org/a/%252e%252e/b');
    else expect(url).toThrow('changes the path');
  });

  test('takes half characters and long values', () => {
    expect(urlOf('https://example.org/?q={{response}}', { response: '\ud800' })).toBe(
      'https://example.org/?q=%EF%BF%BD',
    );
    expect(urlOf('https://example.org/?q={{response}}', { response: 'x'.repeat(100_000) })).toHaveLength(1_023);
  });
});

describe('headers', () => {
  test('have defaults, which others replace', () => {
    expect(composed({ body_template: '{}' }).request.headers).toEqual({
      accept: '*/*',
      'user-agent': 'AgentCrew',
      'idempotency-key': 'id-1',
      'content-type': 'application/json',
    });
    const headers = { 'Content-Type': 'text/plain', 'Idempotency-Key': '{{run_id}}', 'User-Agent': 'me' };
    expect(composed({ body_template: 'x', headers }).request.headers).toEqual({
      accept: '*/*',
      'user-agent': 'me',
      'idempotency-key': 'run-1',
      'content-type': 'text/plain',
    });
  });

  test('have no line breaks from values, and other alphabets as UTF-8', () => {
    const { request } = composed({ headers: { 'X-A': '{{response}}' } }, { response: 'a\r\nx-evil: 1\0\u007f ü' });
    expect(request.headers['x-a']).toBe(Buffer.from('a  x-evil: 1   ü').toString('latin1'));
    expect(request.headers).not.toHaveProperty('x-evil');
  });

  test.each([
    ['bearer', { token: 'secret-token' }, { authorization: 'Bearer secret-token' }],
    ['basic', { username: 'me', password: 'pässword' }, { authorization: `Basic ${btoa('me:p\xc3\xa4ssword')}` }],
    ['header', { header_name: 'X-Custom', header_value: 'secret-value' }, { 'x-custom': 'secret-value' }],
    ['none', null, {}],
  ] as const)('say who calls, with %s', (auth_type, auth_config, expected) => {
    const headers = { 'X-CUSTOM': 'other' };
    const { request, shown, redaction } = composed({ auth_type, auth_config, headers });
    expect(request.headers).toMatchObject(expected);
    for (const secret of Object.values(expected)) {
      expect(shown).not.toContain(secret);
      expect(redaction.clean(secret)).toBe('[redacted]');
    }
  });
});

test('what is shown is the request without its secrets', () => {
  const { shown } = composed({
    method: 'PUT',
    url: 'https://example.org/{{run_id}}',
    headers: { 'X-Api-Key': 'secret-key', 'X-Team': '{{team_name}}' },
    auth_type: 'bearer',
    auth_config: { token: 'secret-token' },
    body_template: 'the token is secret-token, the key secret-key',
  });
  expect(shown).toBe(
    `PUT https://example.org/run-1
accept: */*
user-agent: AgentCrew
idempotency-key: id-1
content-type: application/json
x-api-key: ********
x-team: docs
authorization: ********

the token is [redacted], the key [redacted]`,
  );
  expect(composed({ body_template: 'x'.repeat(65_536) }).shown.length).toBeLessThan(8_200);
});

test('what is shown is cut without leaving a part of a secret', () => {
  const auth = { auth_type: 'bearer', auth_config: { token: 'secret-token' } } as const;
  const template = (before: number) => `${'x'.repeat(before)}secret-token${'x'.repeat(10_000)}`;
  const head = composed({ ...auth, body_template: template(0) }).shown.indexOf('[redacted]');
  for (let before = 8_192 - head - 12; before < 8_192 - head; before += 1) {
    const { shown } = composed({ ...auth, body_template: template(before) });
    expect(shown.slice(head + before)).toBe('[redacted]…');
  }
});

describe.each([
  ['URL', { url: 'https://example.org/?q={{response}}' }],
  ['header', { headers: { 'X-A': '{{response}}' } }],
])('a value that is cut in a %s', (_where, action) => {
  const shown = (response: string) =>
    composed({ ...action, auth_type: 'bearer', auth_config: { token: 'secret-token' } }, { response }).shown;

  test.each(Array.from({ length: 12 }, (_, at) => 999 - at))('leaves no part of a secret at %i', (before) => {
    const text = shown(`${'x'.repeat(before)}secret-token${'x'.repeat(2_000)}`);
    const whole = before + 'secret-token'.length <= 1_000;
    expect(/x{900,}(\S*)/.exec(text)?.[1]).toBe(whole ? '[redacted]' : '');
  });

  test('leaves none of one that is escaped, and is as long as it may be without one', () => {
    expect(shown(`${'x'.repeat(990)}secret%2Dtoken`)).not.toContain('secret');
    expect(/x{9,}/.exec(shown('x'.repeat(2_000)))?.[0]).toHaveLength(1_000);
  });
});

test.each([
  ['basic', { username: 'bob', password: 'pw' }, 'bob:pw and Ym9iOnB3 and bob', '[redacted] and [redacted] and bob'],
  ['basic', { username: 'robert-1', password: '' }, 'robert-1', '[redacted]'],
  [
    'basic',
    { username: 'key', password: '>>>???' },
    'a2V5Oj4-Pj8_Pw, a2V5Oj4%2BPj8%2FPw%3D%3D',
    '[redacted], [redacted]',
  ],
  ['bearer', { token: 'four' }, 'Bearer four, Bearer five', '[redacted], Bearer five'],
  [
    'header',
    { header_name: 'X-Key', header_value: 'Token t-99' },
    'X-Key Token t-99 t-99',
    'X-Key [redacted] [redacted]',
  ],
] as const)('the secrets of %s authentication are known: %j', (auth_type, auth_config, text, clean) => {
  expect(composed({ auth_type, auth_config }).redaction.clean(text)).toBe(clean);
});

test('secrets that cannot be read are not sent as nothing', () => {
  expect(() => composed({ unreadable: true })).toThrow('SETTINGS_ENCRYPTION_KEY');
});
