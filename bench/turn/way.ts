import type { ScriptedModel } from '@agentcrew/testkit';

/** What one turn took, in milliseconds. */
export interface Sample {
  /** From sending the message to the arrival of the request at the model. */
  request: number;
  /** From the model's last byte to the arrival of the answer. */
  answer: number;
  /** From sending the message to the arrival of the answer. */
  whole: number;
}

/** One way to have a message answered, started once and used for many turns. */
export interface Way extends AsyncDisposable {
  /** Sends the text, which must be another one each time, and waits for the answer. */
  turn(text: string): Promise<Sample>;
}

/** What all ways share, so that they differ in nothing but the way. */
export interface Setting {
  model: ScriptedModel;
  /** An empty folder of the way's own. */
  folder: string;
  instructions: string;
  /** Ends every wait. */
  signal: AbortSignal;
}

/** The sample of a turn, from the model's own record of its request. All times are of `performance.now()`. */
export async function sampleOf(
  model: ScriptedModel,
  text: string,
  sentAt: number,
  answeredAt: number,
): Promise<Sample> {
  const { at, lastByteAt } = await model.waitForRequest(
    'the request to be answered',
    ({ userText, lastByteAt }) => userText === text && lastByteAt !== undefined,
  );
  if (lastByteAt === undefined) throw new Error('an answered request has a last byte');
  return { request: at - sentAt, answer: answeredAt - lastByteAt, whole: answeredAt - sentAt };
}
