import { findHaproxy } from "../../provider/dataplane/haproxy/binary";
import { conforms } from "../dataplane/conformance/conforms";
import { startEngine } from "../dataplane/support/engine-process";
import { subjectOf, type Lacks } from "../dataplane/support/subject";

const ONE_READING = "HAProxy understands it, in one way, and passes on only what it has understood";

/** The README's table of the engines says the same in words. */
const HAPROXY_LACKS: Lacks = {
  "the retry rules try at most `attempts` further replicas, then answer 502 with a sentence":
    "it counts refused connections as tries, so it has one more",
  "a replica that dies before the first byte makes exactly one second try for each request that it fails":
    "it tries the same replica once more before another, and counts both tries",
  "Expect: 100-continue is answered here, and not passed on to the replica": "the replica says that it may continue",
  "silence of the client during its upload is not held against the replica":
    "its silence is that of the whole exchange, so a client may not pause for requestTimeoutSeconds",
  "pipelined requests all end when their client goes away": "it reads a client's next request after the last answer",
  "WebSockets are nothing that a replica can switch to unasked":
    "it waits for a response behind the switch until the replica's time is over, and answers 504",
  "header fields that the client names as the hop's are not passed to the replica, and names keep their spelling":
    "it passes them on, and writes names in lower case",
  "header fields that the replica names as the hop's are not passed to the client, and names keep their spelling":
    "it passes them on, and writes names in lower case",
  "header fields of a request in absolute form with another authority than its Host give the replica the path and the authority":
    "it refuses a request that names two",
  "early hints are nothing for a client of HTTP/1.0": "it passes them on to every client",
  "limits of a body that does not tell its length are answered 413 when it is exceeded":
    "it does not count what it passes on",
  "a service with affinity by the beginning of the body does not wait for ever for a client that pauses before it is through":
    "it waits for as long as a client may be silent, which is `limits.stalledSeconds`",
  "limits of what a chunked body may say besides its content are kept":
    "it throws away whatever the extensions of chunks say, and replicas get none of it",
  "the limits of clients end a body whose length is not known that comes byte by byte for longer than bodySeconds with 408":
    "it judges only the pauses of a body that it does not have to wait for",
  "the limits of clients end a client that sends nothing of a body of unknown length for stalledSeconds":
    "its silence is that of the whole exchange, which requestTimeoutSeconds ends with 504",
  "the counts of each version count a retried request once and as no error, for the version that answered last":
    "a request goes to the other version only when no connection to its own can be made",
  "the counts of each version tell the first byte of a stream at once, and its latency at its end":
    "it tells both at the end",
  "HTTP/2 to clients lets it be seen that an answer of unknown length broke off":
    "with `http-no-delay`, without which it holds events back, it ends such a stream as if it were whole",
  "over HTTP/2, a client that asks for nothing but work and takes requests back without end is cut off":
    "it only gives replicas no more of its requests at once",
  ...Object.fromEntries(
    ["pings", "settings"].map((name) => [
      `over HTTP/2, a client that asks for nothing but work and reads none of the answers to its ${name} takes no memory for them`,
      "it keeps up to 32 buffers of answers for one connection",
    ]),
  ),
  ...Object.fromEntries(
    [
      "both Content-Length and Transfer-Encoding",
      "the same Content-Length twice",
      "a list as Content-Length",
      "a coding before chunked",
      "a folded field",
      "a bare LF for the end of a line",
      "a bare LF behind a chunk size",
    ].map((name) => [`requests that two parsers could read in two ways are refused: ${name}`, ONE_READING]),
  ),
  ...Object.fromEntries(
    ["both Content-Length and Transfer-Encoding", "two Content-Lengths", "a bare LF", "a folded field"].map((name) => [
      `responses that two parsers could read in two ways are 502: ${name}`,
      ONE_READING,
    ]),
  ),
};

describe("the HAProxy data plane conforms:", () => {
  const haproxy = findHaproxy();
  if (haproxy.kind === "unusable") {
    it(`is not tested here: ${haproxy.reason}`);
    return;
  }
  conforms(subjectOf(() => startEngine("haproxy"), HAPROXY_LACKS));
});
