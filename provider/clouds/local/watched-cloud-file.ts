import { statSync } from "node:fs";
import { sentenceOf } from "../../core/errors";
import { readCloudFile, type CloudFile } from "./cloud-file";

/** The cloud file as it is now. While it is broken the last good one counts, and a sentence says so once. */
export class WatchedCloudFile {
  private known: { mark: string; cloud: CloudFile } | null = null;

  constructor(
    private readonly file: string,
    private readonly warn: (sentence: string) => void,
  ) {}

  async current(): Promise<CloudFile> {
    const found = statSync(this.file, { throwIfNoEntry: false });
    const mark = found === undefined ? "missing" : `${found.ino}:${found.size}:${found.mtimeMs}`;
    if (this.known?.mark === mark) return this.known.cloud;
    try {
      this.known = { mark, cloud: await readCloudFile(this.file) };
    } catch (error) {
      if (this.known === null) throw error;
      this.warn(`${sentenceOf(error)} Until then the cloud stays as it was.`);
      this.known = { mark, cloud: this.known.cloud };
    }
    return this.known.cloud;
  }
}
