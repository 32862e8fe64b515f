import { runCli } from "../../provider/cli/run";

export interface CliResult {
  code: number;
  out: string;
  err: string;
}

/** One call of `pulumi-serve`, in this process. */
export async function pulumiServe(...args: string[]): Promise<CliResult> {
  let [out, err] = ["", ""];
  const code = await runCli(args, {
    out: (text) => void (out += typeof text === "string" ? text : Buffer.from(text).toString("utf8")),
    err: (text) => void (err += text),
    interactive: false,
    exitCode: 0,
  });
  return { code, out, err };
}
