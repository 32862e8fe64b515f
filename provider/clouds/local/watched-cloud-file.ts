import { sentenceOf } from "../../core/errors";
import { markOf } from "../../host/unchanged";
import { readCloudFile, type CloudFile } from "./cloud-file";

/** The cloud file as it is now. While it is broken the last good one counts, and a sentence says so once. */
export class WatchedCloudFile {
  private known: { mark: string; cloud: CloudFile } | null = null;

  constructor(
    private readonly file: string,
    private readonly warn: (sentence: string) => void,
  ) {}

  async current(): Promise<CloudFile> {
    const mark = markOf(this.file)?.mark ?? "missing";
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
