#!/usr/bin/env node
import { runCli } from "./run";

// A reader that went away (`| head`) is no failure of ours.
process.stdout.on("error", () => process.exit(0));

void runCli(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  interactive: process.stdout.isTTY,
  exitCode: 0,
}).then((code) => {
  process.exitCode = code;
});
