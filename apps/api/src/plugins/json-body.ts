import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';

/**
 * Reads JSON bodies as our clients send them: an empty body with a JSON content type is no body, and a field that is
 * `null` is an absent one. Keys that would reach an object's prototype are refused with 400.
 */
export const jsonBody = fp(async (app: FastifyInstance) => {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, text: string, done) => {
    if (text.trim() === '') return done(null, undefined);
    parse(request, text, (error, value) => done(error, error ? undefined : (withoutNulls(value) ?? undefined)));
  });
});

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(fields.map(([key, field]) => [key, withoutNulls(field)]));
}
