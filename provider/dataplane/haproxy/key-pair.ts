import type { KeyPair } from "../../core/spec/tls-input";
import type { Runtime } from "./runtime";

/** As HAProxy wants it: all in one file. */
export function renderKeyPair({ certificate, privateKey }: KeyPair): string {
  return `${certificate}${privateKey}`;
}

/** For every handshake from now on. `file` is the name by which HAProxy knows the one that it began with. */
export async function putKeyPair(runtime: Runtime, file: string, keyPair: KeyPair): Promise<void> {
  await runtime.expect(
    `set ssl cert ${file}`,
    /^Transaction (created|updated) for certificate/m,
    renderKeyPair(keyPair),
  );
  await runtime.expect(`commit ssl cert ${file}`, /^Success!$/m);
}
