import type { PostAction } from '@agentcrew/models';
import { mask } from '../mask.ts';
import { authHeader } from './auth.ts';
import { controlCharacters, isSecretHeader } from './headers.ts';
import { render } from './placeholders.ts';
import { createRedaction, type Redaction } from './redaction.ts';
import type { OutgoingRequest } from './redirect.ts';

export interface Composed {
  request: OutgoingRequest;
  /** The request for a person, without secrets. */
  shown: string;
  /** Of what must not be shown, wherever it turns up. */
  redaction: Redaction;
}

/** Why an action cannot be carried out as it is. */
export class NotSendable extends Error {
  override name = 'NotSendable';
}

/** In characters. Servers refuse longer URLs and headers, and nobody reads more of a request. */
const longestInUrlOrHeader = 1_000;
const longestShown = 8_192;
/** A shorter one is found in words that are no user. */
const shortestUsername = 8;

type Values = Partial<Record<string, string>>;
/** Names in lower case, and templates. */
type OwnHeaders = (readonly [name: string, value: string])[];

/** The request of an action for one run. Throws NotSendable. */
export function compose(
  action: PostAction,
  { id, placeholders, template }: { id: string; placeholders: Values; template: string },
): Composed {
  if (action.unreadable) {
    throw new NotSendable('its secrets cannot be decrypted with this SETTINGS_ENCRYPTION_KEY; save them again');
  }
  const own = Object.entries(action.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const);
  const secretTexts = secretHeaders(action, own, placeholders);
  const redaction = createRedaction([...secretsOf(action), ...Object.values(secretTexts).flatMap(credentials)]);
  // Before redaction, a secret that a cut leaves a part of could not be found any more.
  const cutValue = (value: string) => redaction.cut(value, longestInUrlOrHeader).toWellFormed();

  const [, contentType = ''] = own.find(([name]) => name === 'content-type') ?? [];
  const body = render(template, placeholders, encodingOf(template, contentType)) || undefined;
  const texts: Record<string, string> = {
    accept: '*/*',
    'user-agent': 'AgentCrew',
    'idempotency-key': id,
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...Object.fromEntries(own.map(([name, value]) => [name, renderedHeader(value, placeholders, cutValue)])),
    ...secretTexts,
  };
  const request = {
    method: action.method,
    url: renderedUrl(action.url, placeholders, cutValue),
    headers: onTheWire(texts),
    secretHeaders: Object.keys(secretTexts),
    body,
  };
  return { request, shown: beginning(shownRequest(request, texts), redaction), redaction };
}

/** Those headers of which nothing is ever shown, by name. */
function secretHeaders({ auth_type, auth_config }: PostAction, own: OwnHeaders, values: Values) {
  const cutValue = (value: string) => value.slice(0, longestInUrlOrHeader).toWellFormed();
  const secret = own.filter(([name]) => isSecretHeader(name));
  const texts: Record<string, string> = Object.fromEntries(
    secret.map(([name, value]) => [name, renderedHeader(value, values, cutValue)]),
  );
  const auth = authHeader(auth_type, auth_config ?? {});
  return auth ? { ...texts, [auth.name]: auth.value } : texts;
}

function secretsOf({ auth_type, auth_config }: PostAction): string[] {
  const { header_name: _, username = '', ...values } = auth_config ?? {};
  const pair = auth_type === 'basic' ? [`${username}:${values.password ?? ''}`] : [];
  return [...Object.values(values), ...pair, ...(username.length < shortestUsername ? [] : [username])];
}

/** A header's value, and what follows the scheme in it: `Bearer`, `Basic`. Base64 may be without its padding. */
function credentials(value: string): string[] {
  const [, secret] = /^[a-z]+ +(\S+)$/i.exec(value) ?? [];
  const bare = secret?.replace(/=+$/, '');
  return [value, secret, bare, bare?.replaceAll('+', '-').replaceAll('/', '_')].filter((text) => text !== undefined);
}

function renderedUrl(template: string, values: Values, cutValue: (value: string) => string): URL {
  const url = URL.parse(render(template, values, (value) => encodeURIComponent(cutValue(value))));
  const plain = URL.parse(render(template, {}, () => 'x'));
  // A value of dots would lead to another folder, however it is encoded.
  if (!url || depth(url) !== (plain && depth(plain))) throw new NotSendable('a value in its URL changes the path');
  return url;
}

function depth({ pathname }: URL): number {
  return pathname.split('/').length;
}

/** A body that looks like JSON, or like lines of it, stays that: values are escaped for the inside of its strings. */
function encodingOf(template: string, contentType: string): (value: string) => string {
  const plain = render(template, {}, () => '0');
  const lines = plain.split('\n').filter((line) => line.trim() !== '');
  if (isJson(plain) || (lines.length > 0 && lines.every(isJson))) return (value) => JSON.stringify(value).slice(1, -1);
  if (/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(contentType))
    return (value) => encodeURIComponent(value.toWellFormed());
  return (value) => value;
}

function isJson(text: string): boolean {
  if (!/^\s*[[{"]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const controls = new RegExp(controlCharacters, 'g');

function renderedHeader(template: string, values: Values, cutValue: (value: string) => string): string {
  return render(template, values, cutValue).replace(controls, ' ').trim();
}

/** Headers are bytes, which HTTP clients take as Latin-1: so other characters go as UTF-8. */
function onTheWire(texts: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(texts).map(([name, text]) => [name, Buffer.from(text, 'utf8').toString('latin1')]),
  );
}

function shownRequest(request: OutgoingRequest, texts: Record<string, string>): string {
  const headers = Object.entries(texts).map(
    ([name, text]) => `${name}: ${request.secretHeaders.includes(name) ? mask : text}`,
  );
  return [`${request.method} ${request.url}`, ...headers, '', request.body ?? ''].join('\n').trimEnd();
}

function beginning(text: string, redaction: Redaction): string {
  const clean = redaction.beginning(text, longestShown).toWellFormed();
  return text.length > longestShown ? `${clean}…` : clean;
}
