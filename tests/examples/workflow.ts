import * as fs from "node:fs";
import { parse } from "yaml";

export interface Step {
  name?: string;
  uses?: string;
  run?: string;
  env?: Record<string, string>;
}

interface Job {
  steps: Step[];
  env?: Record<string, string>;
}

/** A workflow file, read as the runner reads it, as far as examples use it. */
export class Workflow {
  readonly #parsed: { env?: Record<string, string>; defaults: { run: { shell: string } }; jobs: Record<string, Job> };

  constructor(
    file: string,
    /** What stands for `${{ name }}`. */
    readonly expressions: Record<string, string>,
  ) {
    this.#parsed = parse(fs.readFileSync(file, "utf8")) as never;
  }

  /** The commands of a job in order, each with its environment. Steps that only prepare a fresh runner are left out. */
  commands(job: string): { name: string; run: string; env: Record<string, string> }[] {
    const { steps, env } = this.#job(job);
    return steps.flatMap((step) => {
      if (step.run === undefined) {
        if (!/^actions\/(checkout|setup-node)@/.test(step.uses ?? "")) throw new Error(`not known here: ${step.uses}`);
        return [];
      }
      const all = { ...this.#parsed.env, ...env, ...step.env };
      const values = Object.entries(all).map(([name, value]) => [name, this.#evaluate(String(value))] as const);
      return [{ name: step.name ?? step.run, run: this.#evaluate(step.run), env: Object.fromEntries(values) }];
    });
  }

  /** How the runner calls the shell that the workflow names. */
  get shell(): string[] {
    const { shell } = this.#parsed.defaults.run;
    if (shell !== "bash") throw new Error(`not known here: shell ${shell}`);
    return ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"];
  }

  #job(name: string): Job {
    const job = this.#parsed.jobs[name];
    if (job === undefined) throw new Error(`the workflow has no job "${name}"`);
    return job;
  }

  #evaluate(text: string): string {
    return text.replace(/\$\{\{\s*([^}]+?)\s*\}\}/g, (_, name: string) => {
      const value = this.expressions[name];
      if (value === undefined) throw new Error(`not known here: \${{ ${name} }}`);
      return value;
    });
  }
}
