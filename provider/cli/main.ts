#!/usr/bin/env node
import { CommanderError } from "commander";
import { sentenceOf } from "../core/errors";
import { buildProgram } from "./program";

/** 0: done; 1: it failed, with a sentence on stderr; 2: the command line makes no sense. */
async function main(): Promise<number> {
  // A reader that went away (`| head`) is no failure of ours.
  process.stdout.on("error", () => process.exit(0));
  try {
    await buildProgram().parseAsync(process.argv);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    process.stderr.write(`${sentenceOf(error)}\n`);
    return 1;
  }
}

void main().then((code) => {
  process.exitCode = code;
});
