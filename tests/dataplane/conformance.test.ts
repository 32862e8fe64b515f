import { conforms } from "./conformance/conforms";
import { startEngine } from "./support/engine-process";
import { subjectOf } from "./support/subject";

describe("the embedded data plane conforms:", () => {
  conforms(subjectOf(() => startEngine("embedded")));
});
