import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { compiledCli } from "../agent/compiled";
import { until } from "../controller/until";

/** A `pulumi-serve` that runs until it is interrupted, as from a shell. */
export class CliProcess {
  out = "";
  err = "";
  private readonly child: ChildProcess;

  constructor(...words: string[]) {
    const { command, args } = compiledCli(...words);
    this.child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.child.stdout!.setEncoding("utf8").on("data", (text: string) => (this.out += text));
    this.child.stderr!.setEncoding("utf8").on("data", (text: string) => (this.err += text));
  }

  async prints(pattern: RegExp, seconds = 60): Promise<void> {
    await until(
      `it prints ${String(pattern)}`,
      () => pattern.test(this.out),
      seconds,
      () => [this.out, this.err],
    );
  }

  /** Its exit code; null: a signal ended it. */
  async ends(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, "exit");
    return this.child.exitCode;
  }

  async interrupt(): Promise<void> {
    this.child.kill("SIGINT");
    await this.ends();
  }
}
