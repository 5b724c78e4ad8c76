/** What the model does for one request: it may first fail, drop the connection, wait or hang, then call or answer. */
export interface Step {
  failStatus?: number;
  failTimes: number;
  dropTimes: number;
  delayMs: number;
  hang: boolean;
  think?: string;
  /** Calls of one message; none in the last step, which answers. */
  tools: { name: string; input: unknown }[];
}

export interface Script {
  /** One step for every tool line with the calls that go with it, then the one that answers. */
  steps: Step[];
  /** The answer of the last step; absent: the model makes one up. */
  say?: string;
}

/**
 * Reads the directive lines of a text: `!say TEXT`, `!think TEXT`, `!tool NAME {json}`, `!also NAME {json}`,
 * `!fail STATUS [xN]`, `!drop [xN]`, `!hang`, `!delay MS`. Everything up to and including a tool line is one step;
 * `!also` is one more call in the same message as the tool line before it. A text without directives gives one step
 * that answers. A line that is nearly a directive throws: a typing error in a test should not look like an answer.
 */
export function parseScript(text: string): Script {
  const steps = [newStep()];
  const says: string[] = [];
  for (const line of text.split('\n')) {
    const directive = /^\s*!(say|think|tool|also|fail|drop|hang|delay)\b\s*(.*)$/.exec(line);
    if (!directive) continue;
    const [, name = '', rest = ''] = directive;
    if (name === 'say') says.push(rest);
    else apply(steps.at(name === 'also' ? -2 : -1), name, rest.trim());
    if (name === 'tool') steps.push(newStep());
  }
  return { steps, ...(says.length > 0 && { say: says.join('\n') }) };
}

function newStep(): Step {
  return { failTimes: 0, dropTimes: 0, delayMs: 0, hang: false, tools: [] };
}

function apply(step: Step | undefined, name: string, rest: string): void {
  if (!step) throw new Error(`there is no !tool before !${name} ${rest}`);
  if (name === 'think') step.think = rest;
  else if (name === 'hang') step.hang = true;
  else if (name === 'delay') step.delayMs = Number(match(/^(\d+)$/, name, rest)[1]);
  else if (name === 'drop') step.dropTimes = Number(match(/^(?:x(\d+))?$/, name, rest)[1] ?? 1);
  else if (name === 'fail') {
    const [, status, times] = match(/^(\d{3})(?:\s+x(\d+))?$/, name, rest);
    step.failStatus = Number(status);
    step.failTimes = Number(times ?? 1);
  } else {
    const [, tool = '', input = '{}'] = match(/^(\S+)(?:\s+(\{.*\}))?$/, name, rest);
    step.tools.push({ name: tool, input: parseInput(input, rest) });
  }
}

function match(pattern: RegExp, name: string, rest: string): RegExpExecArray {
  const found = pattern.exec(rest);
  if (!found) throw new Error(`cannot read the directive !${name} ${rest}`);
  return found;
}

function parseInput(json: string, rest: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new Error(`cannot read the input of !tool ${rest}`, { cause });
  }
}
