import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { PassThrough, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import * as tar from "tar";
import { ServeError } from "../../core/errors";
import { hashManifest, type ManifestEntry } from "./manifest";
import { isExecutable, walkWorkdir } from "./walk";

/** A tar of exactly what `hashWorkdir` hashes. Errors, such as a missing folder, come as the stream's error. */
export function packWorkdir(folder: string): Readable {
  const out = new PassThrough();
  void pack(folder, out).catch((error: Error) => out.destroy(error));
  return out;
}

/** The content hash of what is in a tar: equal to `hashWorkdir` of the folder that it was packed from. */
export async function hashTar(stream: NodeJS.ReadableStream): Promise<string> {
  const manifest: ManifestEntry[] = [];
  const parser = new tar.Parser({ strict: true });
  parser.on("entry", (entry: tar.ReadEntry) => {
    const path = entry.path.replace(/^\.\//, "");
    switch (entry.type) {
      case "File":
      case "OldFile": {
        const hash = createHash("sha256");
        entry.on("data", (chunk: Buffer) => void hash.update(chunk));
        entry.on("end", () => {
          const executable = isExecutable(entry.mode ?? 0);
          manifest.push({ kind: "file", path, executable, sha256: hash.digest("hex") });
        });
        return;
      }
      case "Directory":
        return entry.resume();
      case "SymbolicLink":
        manifest.push({ kind: "link", path, target: entry.linkpath ?? "" });
        return entry.resume();
      default:
        return parser.abort(new Error(`entry ${path} is of the kind ${entry.type}, which no workdir has`));
    }
  });
  await feed(stream, parser);
  return hashManifest(manifest);
}

/** Writes the tar's content into the folder, which is made when it is missing. */
export async function unpackTar(stream: NodeJS.ReadableStream, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await feed(stream, tar.extract({ cwd: folder, strict: true, preserveOwner: false, noMtime: true }));
}

/** A hard link in a copy would tie two files together, so every name gets its own bytes. */
class NeverLinked extends Map<`${number}:${number}`, string> {
  override get(): undefined {
    return undefined;
  }
}

async function pack(folder: string, out: PassThrough): Promise<void> {
  const entries = await walkWorkdir(folder);
  // "./" in front, because tar takes a name that begins with "@" for an archive to include. The folder itself leads, so
  // that the tar of an empty one is a tar too.
  const names = ["./", ...entries.map(({ path }) => `./${path}`)];
  const options = { cwd: folder, portable: true, noDirRecurse: true, mtime: new Date(0), linkCache: new NeverLinked() };
  const packed = tar.create({ ...options, strict: true }, names);
  packed.on("error", (error) => out.destroy(error as Error));
  packed.pipe(out as unknown as NodeJS.WriteStream);
}

/** `pipeline` does not know tar's own streams, so the end of both sides is watched by hand. */
async function feed(stream: NodeJS.ReadableStream, sink: tar.Parser): Promise<void> {
  const through = new PassThrough();
  // The sink may fail after the source has ended, when `pipeline` no longer listens; `written` carries that error.
  through.on("error", () => undefined);
  const written = new Promise<void>((resolve, reject) => {
    sink.on(sink instanceof tar.Unpack ? "close" : "end", () => resolve());
    sink.on("error", (error: Error) => {
      reject(error);
      through.destroy(error);
    });
  });
  through.pipe(sink);
  try {
    await Promise.all([pipeline(stream, through), written]);
  } catch (error) {
    throw new ServeError({
      code: "InvalidInput",
      scope: "input",
      reasons: [`The workdir's tar cannot be read: ${error instanceof Error ? error.message : String(error)}`],
      cause: error,
    });
  }
}
