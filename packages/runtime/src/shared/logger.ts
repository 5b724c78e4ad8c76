/** What the runtime needs of a logger; pino's fits. Ids go into the object, words into the message. */
export interface RuntimeLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
