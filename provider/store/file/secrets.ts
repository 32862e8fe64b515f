import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { ServeError } from "../../core/errors";
import { replaceFile } from "../../host/durable-file";
import { sweepFolder } from "./blobs";
import { writing } from "./unwritable";

const NAME = /^([A-Za-z0-9][A-Za-z0-9._-]*)\.json$/;

/** Values that must be nowhere else: one file each, mode 0600, in a folder of mode 0700. */
export class Secrets {
  constructor(private readonly folder: string) {}

  async put(ref: string, value: unknown): Promise<void> {
    const file = this.fileOf(ref);
    await writing(this.folder, async () => {
      await mkdir(this.folder, { recursive: true, mode: 0o700 });
      await replaceFile(file, `${JSON.stringify(value)}\n`);
    });
  }

  /** The sentence of a failure names the file and never shows what is in it, as a parser's message would. */
  async get(ref: string): Promise<unknown> {
    const file = this.fileOf(ref);
    try {
      return JSON.parse(await readFile(file, "utf8")) as unknown;
    } catch {
      throw new ServeError({
        code: "StoreCorrupt",
        scope: "store",
        reasons: [`The stored secret ${file} is missing or damaged: run \`pulumi up\`, which stores it again.`],
      });
    }
  }

  async sweep(keep: ReadonlySet<string>): Promise<void> {
    await sweepFolder(this.folder, NAME, keep);
  }

  private fileOf(ref: string): string {
    if (!NAME.test(`${ref}.json`)) throw new TypeError(`not the name of a secret: ${ref}`);
    return join(this.folder, `${ref}.json`);
  }
}
