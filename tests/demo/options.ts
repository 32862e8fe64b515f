import { Command, Option, InvalidArgumentError } from "commander";

export interface DemoOptions {
  json: string | undefined;
  engine: "embedded" | "haproxy";
  /** False: no replica is killed, so that the rollout's time can be judged. */
  kill: boolean;
  replicas: number;
  surge: number;
  boot: number;
  /** Length of a stream. */
  seconds: number;
  clients: number;
}

export function demoOptions(argv: readonly string[]): DemoOptions {
  return new Command("npm run demo --")
    .description("Rolls a live service over under load, in a temporary folder, and leaves nothing behind.")
    .option("--json <file>", "write the result there as JSON")
    .addOption(
      new Option("--engine <engine>", "the program that carries the requests")
        .choices(["embedded", "haproxy"])
        .default("embedded"),
    )
    .option("--no-kill", "do not kill a replica in mid-rollout")
    .option("--replicas <count>", "replicas of the service", positive, 4)
    .option("--surge <percent>", "maxSurgePercent", positive, 25)
    .option("--boot <seconds>", "how long the local cloud takes to boot a replica", seconds, 8)
    .option("--seconds <seconds>", "how long a stream takes", seconds, 2)
    .option("--clients <count>", "keep-alive clients, one third of them with streams", positive, 16)
    .parse([...argv], { from: "user" })
    .opts<DemoOptions>();
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("It must be a whole number from 1 up.");
  return value;
}

function seconds(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new InvalidArgumentError("It must be a number of seconds.");
  return value;
}
