import { isDeepStrictEqual } from 'node:util';
import { messageOf, type Skill, type SkillStatusPayload, skillKey } from '@agentcrew/protocol';
import type { Log } from '../log.ts';
import { describeSkills } from './describe-skills.ts';
import type { InstallerResult, runInstaller } from './run-installer.ts';
import { discard, type Shelf } from './shelf.ts';

export interface SkillsOptions {
  shelf: Shelf;
  runInstaller: typeof runInstaller;
  environment: () => Record<string, string>;
  /** How long installing one skill may take. */
  timeoutMs: number;
  tellStatuses: (statuses: Statuses) => void;
  /** The instructions of the next CLI have changed. */
  onChange: () => void;
  /** Aborts when the agent ends. */
  stop: AbortSignal;
  log: Log;
}

type Statuses = SkillStatusPayload['skills'];
type Status = Statuses[number];

const longestError = 500;

/** Keeps the agent's skills as they are wanted, and installs what is missing, one after another, beside the turns. */
export class Skills {
  readonly #options: SkillsOptions;
  readonly #statuses = new Map<string, Status>();
  readonly #installing = new Map<string, Promise<InstallerResult>>();
  /** Those that are being installed because a person has asked for them. */
  readonly #asked = new Set<string>();
  #wanted: Skill[] = [];
  #queue: Promise<unknown> = Promise.resolve();
  /** Nothing: what an earlier process told may be out of date. */
  #told: Statuses | undefined;
  #group: number | undefined;

  constructor(options: SkillsOptions) {
    this.#options = options;
  }

  /** The group of processes of the installer that runs. */
  get group(): number | undefined {
    return this.#group;
  }

  /** What the agent is told of its skills. */
  text(): string {
    return describeSkills(this.#wanted.flatMap((skill) => this.#options.shelf.find(skill)));
  }

  /**
   * Says which skills the agent is to have. What has failed before is not tried again. With `only`, others are removed.
   */
  want(skills: Skill[], { only }: { only: boolean }): void {
    const before = this.text();
    const keys = new Set(skills.map(skillKey));
    // One that a person has just asked for is not in any list yet.
    const asked = this.#wanted.filter((skill) => this.#asked.has(skillKey(skill)) && !keys.has(skillKey(skill)));
    this.#wanted = [...skills, ...asked];
    for (const skill of asked) keys.add(skillKey(skill));
    for (const key of this.#statuses.keys()) if (!keys.has(key)) this.#statuses.delete(key);
    if (only) this.#options.shelf.keepOnly(this.#wanted);
    for (const skill of skills.filter((one) => !this.#statuses.has(skillKey(one)))) {
      if (this.#options.shelf.find(skill).length > 0) this.#note(skill, 'installed');
      else void this.#begin(skill);
    }
    this.#tell();
    if (this.text() !== before) this.#options.onChange();
  }

  /** Installs a skill, also one that is there already; one that is being installed is waited for. Never rejects. */
  install(skill: Skill): Promise<InstallerResult> {
    const key = skillKey(skill);
    this.#asked.add(key);
    return this.#begin(skill).finally(() => this.#asked.delete(key));
  }

  #begin(skill: Skill): Promise<InstallerResult> {
    const key = skillKey(skill);
    const present = this.#installing.get(key);
    if (present) return present;
    if (!this.#wanted.some((one) => skillKey(one) === key)) this.#wanted = [...this.#wanted, skill];
    this.#note(skill, 'pending');
    const run = this.#queue.then(() => this.#run(skill)).finally(() => this.#installing.delete(key));
    this.#installing.set(key, run);
    this.#queue = run;
    this.#tell();
    return run;
  }

  async #run(skill: Skill): Promise<InstallerResult> {
    const { log, onChange } = this.#options;
    const before = this.text();
    const result = await this.#attempt(skill).catch((error: unknown) => failed(messageOf(error)));
    const { problem } = result;
    if (problem !== undefined) log.warn({ skill: skillKey(skill), problem }, 'skill not installed');
    else log.info({ skill: skillKey(skill) }, 'skill installed');
    // It may have been taken away meanwhile.
    if (this.#statuses.has(skillKey(skill))) this.#note(skill, problem === undefined ? 'installed' : 'failed', problem);
    this.#tell();
    if (this.text() !== before) onChange();
    return result;
  }

  async #attempt(skill: Skill): Promise<InstallerResult> {
    const { shelf, environment, timeoutMs, stop } = this.#options;
    if (stop.aborted) return failed('The agent was shut down meanwhile.');
    const folder = shelf.prepare(skill);
    const onGroup = (group: number | undefined) => {
      this.#group = group;
    };
    const run = { skill, folder, environment: environment(), timeoutMs, onGroup, signal: stop };
    const result = await this.#options.runInstaller(run);
    if (result.problem === undefined && shelf.accept(skill, folder)) return result;
    discard(folder);
    return { problem: 'The installer ended well and left no SKILL.md.', ...result };
  }

  #note(skill: Skill, status: Status['status'], problem?: string): void {
    const error = problem?.slice(0, longestError);
    const key = skillKey(skill);
    this.#statuses.set(key, { name: skill.skill_name, package: key, status, ...(error && { error }) });
  }

  #tell(): void {
    const statuses = [...this.#statuses.values()];
    if (isDeepStrictEqual(statuses, this.#told)) return;
    this.#told = statuses;
    this.#options.tellStatuses(statuses);
  }
}

function failed(problem: string): InstallerResult {
  return { output: '', problem };
}
