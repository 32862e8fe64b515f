import * as fs from "node:fs";
import * as path from "node:path";

/**
 * The clouds' SDKs are a third of what a build of the CLI compiles, and nothing here keeps its state or its keys in a
 * cloud. Per file of Pulumi's `pkg` module what is taken out of it; `null` for the whole file.
 */
const cuts: Readonly<Record<string, readonly RegExp[] | null>> = {
  "authhelpers/gcpauth.go": null,
  "operations/operations_aws.go": null,
  "operations/operations_gcp.go": null,
  "operations/resources.go": [/^\tcase "aws":\n.*\n\tcase "gcp":\n.*\n/m],
  "backend/diy/backend.go": [
    /^\t(_ )?"gocloud\.dev\/blob\/(azure|gcs|s3)blob".*\n/gm,
    /^\t"github\.com\/pulumi\/pulumi\/pkg\/v3\/authhelpers"\n/m,
    /^\tif p\.Scheme == (gcs|azure)blob\.Scheme \{\n(?:\t\t.*\n)+\t\}\n/gm,
  ],
  "backend/diy/bucket.go": [
    /^\tawss3 ".*"\n/m,
    /^\t"net\/url"\n/m,
    /^\t\tvar input \*awss3\..*\n\t\tif asFunc\(&input\) \{\n.*\n\t\t\}\n/m,
    /^func fixupS3CopySource.*\n(?:\t.*\n)+\}\n/m,
  ],
  "secrets/cloud/manager.go": [
    /^\t(_ )?"gocloud\.dev\/secrets\/.*\n/gm,
    /^\t(netUrl )?"(net\/url|google\.golang\.org\/api\/cloudkms\/v1|github\.com\/pulumi\/pulumi\/pkg\/v3\/authhelpers)"\n/gm,
    /^\tu, err := netUrl\.Parse\(url\)\n(?:.*\n)*?\tdefault:\n(?=\t\treturn gosecrets\.OpenKeeper)/m,
    /(?<=^\t\treturn gosecrets\.OpenKeeper\(ctx, url\)\n)\t\}\n/m,
  ],
};

/** Copies the module's sources from `from` to `to` without them. Of another version than it was written for, it throws. */
export function copyWithoutClouds(from: string, to: string): void {
  for (const entry of fs.readdirSync(from, { recursive: true, withFileTypes: true })) {
    const source = path.join(entry.parentPath, entry.name);
    const name = path.relative(from, source);
    if (!entry.isFile() || name.endsWith("_test.go") || cuts[name] === null) continue;
    const target = path.join(to, name);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    // Written and not copied: everything in the module cache is read-only, and a copy could not be removed again.
    fs.writeFileSync(target, fs.readFileSync(source));
  }
  for (const [name, parts] of Object.entries(cuts)) {
    if (parts === null) continue;
    const file = path.join(to, name);
    fs.writeFileSync(file, parts.reduce(cut(name), fs.readFileSync(file, "utf8")));
  }
}

function cut(name: string): (text: string, part: RegExp) => string {
  return (text, part) => {
    const rest = text.replace(part, "");
    if (rest === text) throw new Error(`${name} of Pulumi's pkg module holds no ${String(part)}: without-clouds.ts`);
    return rest;
  };
}
