import { conforms } from "./conformance/conforms";
import { startEngine } from "./support/engine-process";
import { subjectOf } from "./support/subject";

describe("the embedded data plane conforms:", () => {
  conforms(
    subjectOf(() => startEngine("embedded"), {
      "a service with a certificate speaks HTTP/2 with clients that want to, where it is declared":
        "it is refused in preview: this engine speaks HTTP/1.1",
    }),
  );
});
