import pino, { type Logger } from 'pino';

/** What a log line never shows, wherever it stands in the object. */
const secretPaths = ['authorization', 'cookie', 'token', 'password', 'value', 'nats_token', 'secrets'].flatMap(
  (key) => [key, `*.${key}`, `req.headers.${key}`],
);

/** One line of JSON an event, or readable lines on a terminal. */
export function createLogger(level: string): Logger {
  const redact = { paths: secretPaths, censor: '[redacted]' };
  if (!process.stdout.isTTY) return pino({ level, redact, timestamp: pino.stdTimeFunctions.isoTime });
  return pino({
    level,
    redact,
    transport: { target: 'pino-pretty', options: { ignore: 'pid,hostname', translateTime: 'HH:MM:ss' } },
  });
}
