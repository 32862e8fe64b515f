import assert from "node:assert/strict";
import fc from "fast-check";
import { fieldKind, FieldKind, kindOf } from "../../provider/dataplane/embedded/fields";

/** Proper names: such as mean something, in any case, such as nearly do, and others. */
const known = fc.constantFrom(
  "Connection",
  "content-LENGTH",
  "TE",
  "Host",
  "date",
  "x-pulumi-serve-version",
  "Upgrade",
);
const name = fc.oneof(
  known,
  fc.tuple(known, fc.nat(20), fc.constantFrom("x", "-", "_", "^", "")).map(([text, at, char]) => {
    return text.slice(0, at) + char + text.slice(at + 1);
  }),
  fc.constantFrom("constructor", "toString", "__proto__", "c", "h".repeat(40)),
  fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,30}$/),
);

describe("what a field's name means", () => {
  it("is the same whether it is read from bytes or as a word", () => {
    fc.assert(
      fc.property(name, fc.nat(5), (text, before) => {
        fc.pre(text !== "");
        const bytes = Buffer.from(`${" ".repeat(before)}${text}: value`);
        assert.equal(kindOf(bytes, before, text.length), fieldKind(text));
      }),
      { numRuns: 2000 },
    );
    assert.equal(fieldKind("constructor"), FieldKind.EndToEnd);
  });
});
