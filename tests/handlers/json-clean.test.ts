import assert from "node:assert/strict";
import * as fc from "fast-check";
import { jsonClean } from "../../provider/handlers/json-clean";

describe("what goes to Pulumi", () => {
  it("is what JSON can carry, whatever the handler gave", () => {
    const cyclic: { self?: unknown } = {};
    cyclic.self = cyclic;
    const given = {
      nothing: undefined,
      big: 7n,
      bigger: 2n ** 60n,
      nan: NaN,
      infinite: Infinity,
      date: new Date(0),
      invalid: new Date(NaN),
      map: new Map([["a", 1]]),
      set: new Set([1, undefined]),
      bytes: Buffer.from("hi"),
      run: () => 1,
      cyclic,
      list: [undefined, { deep: undefined }],
    };
    assert.deepEqual(jsonClean(given), {
      big: 7,
      bigger: "1152921504606846976",
      nan: null,
      infinite: null,
      date: "1970-01-01T00:00:00.000Z",
      invalid: null,
      map: { a: 1 },
      set: [1, null],
      bytes: "aGk=",
      cyclic: { self: null },
      list: [null, {}],
    });
  });

  it("is left alone when it is JSON already", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const value: unknown = JSON.parse(text);
        assert.deepEqual(jsonClean(value), value);
      }),
    );
  });
});
