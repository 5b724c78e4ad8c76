import { type ScriptedModel, startNatsServer, startScriptedModel, type TestNatsServer } from '@agentcrew/testkit';
import { afterAll, beforeAll } from 'vitest';

/** What agents talk to; there from the first test of a file to its last. */
export interface Services {
  readonly model: ScriptedModel;
  /** Where both are, as options of a crew or a team. */
  readonly urls: { natsUrl: string; modelUrl: string };
}

/** Starts a nats-server and a scripted model for all tests of the file that calls this. */
export function useServices(): Services {
  let nats: TestNatsServer;
  let model: ScriptedModel;
  beforeAll(async () => {
    [nats, model] = await Promise.all([startNatsServer(), startScriptedModel()]);
  });
  afterAll(async () => {
    await model?.[Symbol.asyncDispose]();
    await nats?.[Symbol.asyncDispose]();
  });
  return {
    get model() {
      return model;
    },
    get urls() {
      return { natsUrl: nats.url, modelUrl: model.url };
    },
  };
}
