import { CommanderError } from "commander";
import { sentenceOf } from "../core/errors";
import { buildProgram } from "./program";
import type { Terminal } from "./terminal";

/** 0: done; 1: it failed, with a sentence on stderr; 2: the command line makes no sense. */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    await buildProgram(terminal).parseAsync(args, { from: "user" });
    return terminal.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    terminal.err(`${sentenceOf(error)}\n`);
    return 1;
  }
}
