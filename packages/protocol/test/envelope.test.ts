import { expect, test } from 'vitest';
import { type Envelope, envelopeSchema, messageTypes, parseEnvelope } from '../src/index.ts';

const envelope: Envelope = {
  message_id: 'm1',
  from: 'user',
  to: 'leader',
  type: 'user_message',
  context: { thread_id: 't', chain: ['leader'] },
  ref_message_id: 'm0',
  payload: { content: 'ünï 🎉', nested: { list: [1, null, 'x'] } },
  timestamp: '2030-01-02T03:04:05.678Z',
};
const bytes = (text: string) => new TextEncoder().encode(text);
const parse = (value: unknown) => parseEnvelope(bytes(JSON.stringify(value)));
const without = (field: keyof Envelope) =>
  Object.fromEntries(Object.entries(envelope).filter(([name]) => name !== field));

test('an envelope comes back as it was written', () => {
  expect(parse(envelope)).toEqual(envelope);
});

test.each(messageTypes)('%s is a type', (type) => {
  expect(parse({ ...envelope, type })?.type).toBe(type);
});

test('a payload of any size is read', () => {
  const payload = { content: 'x'.repeat(5_000_000) };
  expect(parse({ ...envelope, payload })?.payload).toEqual(payload);
});

test.each(['context', 'ref_message_id'] as const)('%s may be absent', (field) => {
  expect(parse(without(field))).toEqual(without(field));
});

test.each(['message_id', 'from', 'to', 'type', 'payload', 'timestamp'] as const)('%s may not', (field) => {
  expect(parse(without(field))).toBeUndefined();
});

test.each([
  ['an empty id', { message_id: '' }],
  ['a long id', { message_id: 'x'.repeat(129) }],
  ['an id that is a number', { message_id: 7 }],
  ['a long sender', { from: 'x'.repeat(65) }],
  ['a receiver that is null', { to: null }],
  ['an unknown type', { type: 'gossip' }],
  ['a type that every object has', { type: 'constructor' }],
  ['a payload that is a text', { payload: 'x' }],
  ['a payload that is a list', { payload: [] }],
  ['a payload that is null', { payload: null }],
  ['a context that is a text', { context: 'x' }],
  ['a chain of numbers', { context: { chain: [1] } }],
  ['a long chain', { context: { chain: Array.from({ length: 33 }, () => 'a') } }],
  ['a long reference', { ref_message_id: 'x'.repeat(129) }],
  ['a timestamp that is a number', { timestamp: 1_700_000_000 }],
  ['a timestamp in words', { timestamp: 'yesterday' }],
  ['a timestamp with an offset', { timestamp: '2030-01-02T03:04:05+02:00' }],
])('%s is refused', (_what, change) => {
  expect(parse({ ...envelope, ...change })).toBeUndefined();
});

test.each([
  ['nothing', new Uint8Array()],
  ['broken UTF-8', new Uint8Array([0x22, 0xff, 0xfe, 0x22])],
  ['broken UTF-8 within an envelope', broken(JSON.stringify(envelope))],
  ['no JSON', bytes('{"message_id":')],
  ['JSON with something behind it', bytes(`${JSON.stringify(envelope)}x`)],
  ['null', bytes('null')],
  ['a list', bytes('[]')],
  ['a number', bytes('7')],
  ['deep nesting', bytes('['.repeat(100_000))],
])('%s is no envelope', (_what, data) => {
  expect(parseEnvelope(data)).toBeUndefined();
});

test('prototype keys do not reach any prototype', () => {
  const text = JSON.stringify(envelope).replace('{', '{"__proto__":{"polluted":1},"constructor":{"polluted":1},');
  const parsed = parseEnvelope(bytes(text.replace('"payload":{', '"payload":{"__proto__":{"polluted":1},')));
  expect(parsed).toBeDefined();
  expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype);
  expect(parsed).not.toHaveProperty('polluted');
  expect(parsed?.payload).not.toHaveProperty('polluted');
  expect({}).not.toHaveProperty('polluted');
});

test('unknown fields are dropped, unknown ones of the payload are kept', () => {
  const parsed = parse({ ...envelope, colour: 'blue', payload: { colour: 'blue' } });
  expect(parsed).not.toHaveProperty('colour');
  expect(parsed?.payload).toEqual({ colour: 'blue' });
  expect(envelopeSchema.parse(envelope)).toEqual(envelope);
});

/** The same bytes with one of them changed to one that UTF-8 never has. */
function broken(text: string): Uint8Array {
  const data = bytes(text);
  data[data.length - 20] = 0xff;
  return data;
}
