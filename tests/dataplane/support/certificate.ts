import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import type { KeyPair } from "../../../provider/core/spec/tls-input";

const DAYS = 2;

/** The sentence with which tests that need a certificate are left out; null: they can be made. */
export const whyNoCertificates: string | null = (() => {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
    return null;
  } catch {
    return "there is no `openssl` on the PATH to make certificates with";
  }
})();

/** A certificate of its own for 127.0.0.1, valid for two days: nothing that could run out lies in the repository. */
export function makeKeyPair(
  name: string,
  key: readonly string[] = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
): KeyPair {
  const folder = mkdtempSync(join(tmpdir(), "serve-certificate-"));
  const [keyFile, certificateFile] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
  try {
    execFileSync(
      "openssl",
      [
        ...["req", "-x509", "-newkey", ...key, "-nodes", "-days", String(DAYS), "-subj", `/CN=${name}`],
        ...["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", keyFile, "-out", certificateFile],
      ],
      { stdio: "ignore" },
    );
    return { certificate: readFileSync(certificateFile, "utf8"), privateKey: readFileSync(keyFile, "utf8") };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface Shown {
  name: string;
  protocol: string | null;
  alpn: string | false | null;
}

/** Who a service says that it is, on a connection of its own. */
export function shownBy(port: number, ALPNProtocols = ["http/1.1"]): Promise<Shown> {
  return new Promise((resolve, reject) => {
    // The name is judged by the test, whoever vouches for it.
    const options = { port, host: "127.0.0.1", ALPNProtocols, rejectUnauthorized: false };
    const socket = connect(options, () => {
      const name = String(socket.getPeerCertificate().subject.CN);
      resolve({ name, protocol: socket.getProtocol(), alpn: socket.alpnProtocol });
      socket.destroy();
    });
    socket.on("error", reject);
  });
}
