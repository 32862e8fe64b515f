import { readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { queryObjects } from "node:v8";

/**
 * Loaded into a data plane before its own program. At SIGUSR2 it collects garbage and writes what is left as JSON to the file
 * in `PROBE_FILE`: memory, timers, and how many objects there are of each class that is exported in the folder `PROBE_FOLDER`.
 */
const file = process.env["PROBE_FILE"]!;
const folder = process.env["PROBE_FOLDER"]!;

process.on("SIGUSR2", () => {
  const all = classes();
  const objects = Object.fromEntries(all.map((each) => [each.name, countOf(each, all)]));
  global.gc!();
  const { heapUsed, external } = process.memoryUsage();
  const left = { heapBytes: heapUsed + external, objects, timers: timers() };
  writeFileSync(`${file}.new`, JSON.stringify(left));
  renameSync(`${file}.new`, file);
});

function classes(): (() => void)[] {
  const modules = readdirSync(folder).filter((name) => name.endsWith(".js"));
  return modules.flatMap((name) => {
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    const exported = Object.values(require(join(folder, name)) as Record<string, unknown>);
    return exported.filter((each): each is () => void => /^class /.test(String(each)));
  });
}

/** The prototypes of the classes that are derived from it are found as well, and are none of its objects. */
function countOf(each: () => void, all: readonly (() => void)[]): number {
  const derived = all.filter(({ prototype }) => (prototype as unknown) instanceof each);
  return queryObjects(each, { format: "count" }) - derived.length;
}

function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "Timeout" || name === "Immediate").length;
}
