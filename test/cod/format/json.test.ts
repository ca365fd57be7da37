import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { InvalidJson } from "../../../lib/cod/format/errors.ts"
import { parseJson, stringifyJson } from "../../../lib/cod/format/json.ts"
import { parseExactly } from "../../../lib/cod/format/json-exact.ts"

describe("parsing", () => {
  test("integers beyond 2^53 stay exact, and only they are big", () => {
    expect(parseJson("[9007199254740993, -9223372036854775808, 18446744073709551615]")).toEqual([
      9007199254740993n,
      -9223372036854775808n,
      18446744073709551615n,
    ])
    expect(parseJson("[9007199254740991, 0.12345678901234566, 1e300, -0.5]")).toEqual([
      9007199254740991, 0.12345678901234566, 1e300, -0.5,
    ])
  })

  test("what Python writes and JSON does not know is read", () => {
    expect(parseJson('{"a": NaN, "b": [Infinity, -Infinity]}')).toEqual({
      a: Number.NaN,
      b: [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    })
  })

  test("the same words within strings are but text", () => {
    const text = '{"NaN": "Infinity, -Infinity", "a\\\\": "\\"NaN 12345678901234567890", "12": NaN}'
    expect(parseJson(text)).toEqual({
      NaN: "Infinity, -Infinity",
      "a\\": '"NaN 12345678901234567890',
      "12": Number.NaN,
    })
  })

  test.each(["__proto__", "constructor", "toString"])("the key %s is a key like any other", (key) => {
    for (const value of ['{"polluted": 1}', '{"polluted": NaN}', "[12345678901234567890]"]) {
      const parsed = parseJson(`{"a": {"${key}": ${value}}}`) as { a: object }
      expect(Object.keys(parsed.a)).toEqual([key])
      expect(Object.getPrototypeOf(parsed.a)).toBe(Object.prototype)
      expect("polluted" in {}).toBe(false)
      expect(stringifyJson(parsed)).toBe(`{"a": {"${key}": ${value.replace("NaN", "null")}}}`)
    }
  })

  test("keys that look like numbers keep their place when asked to", () => {
    const text =
      '{"30060010": {"vr": "UI"}, "00080005": {"vr": "CS"}, "4294967294": 1, "x": {"1": 1, "0": 2}}'
    expect(stringifyJson(parseJson(text, { inOrder: true }))).toBe(text)
    expect(parseJson(text)).toEqual(parseJson(text, { inOrder: true }))
  })

  test("of a key that comes twice the last value counts, at the first one's place", () => {
    expect(stringifyJson(parseJson('{"a": 1, "b": NaN, "a": 3}'))).toBe('{"a": 3, "b": null}')
  })

  test.each([
    ["nothing", ""],
    ["space", "  "],
    ["two documents", "1 2"],
    ["an open object", '{"a": 1'],
    ["an open string", '{"a": "'],
    ["an open string behind a backslash", '"\\"'],
    ["a comma too many", "[1,]"],
    ["a comma too many behind NaN", "[NaN,]"],
    ["a missing colon", '{"a" NaN}'],
    ["a key without quotes", "{a: NaN}"],
    ["leading zeros", "[NaN, 01]"],
    ["a lonely minus", "[NaN, -]"],
    ["a word", "[NaN, nul]"],
    ["a control character in a string", '[NaN, "\u0001"]'],
    ["an unknown escape", '[NaN, "\\x"]'],
    ["single quotes", "['NaN']"],
    ["an integer of a million digits", "9".repeat(1_000_000)],
    ["a million arrays", "[".repeat(1_000_000)],
    ["a million arrays, closed", "[".repeat(1_000_000) + "]".repeat(1_000_000)],
    ["a million objects", '{"a":'.repeat(1_000_000)],
  ])("%s is no JSON", (_what, text) => {
    expect(() => parseJson(text)).toThrow(InvalidJson)
  })

  test("an error does not quote the text", () => {
    for (const text of ['{"a": Phantom}', "[NaN, Phantom]"]) {
      const error = thrownBy(() => parseJson(text))
      expect(Bun.inspect(error)).not.toContain("Phantom^")
      expect((error as Error).message).not.toContain("Phantom")
      expect((error as Error).cause).toBeUndefined()
    }
  })

  test("both ways read the same", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(undefined, " ", "\t"), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        fc.pre(!/\d{16}/.test(text))
        expect(parseExactly(text)).toEqual(JSON.parse(text))
        expect(parseJson(text)).toEqual(JSON.parse(text))
      }),
    )
  })
})

describe("writing", () => {
  test("floating-point numbers are as Python shows them", () => {
    const numbers = [
      1e-7, 1e22, 1e16, 123456789012345680, 0.0001, 0.00001234, -1.5e-10, 5e-324, 1.5, -0, 0, 100,
    ]
    expect(stringifyJson(numbers)).toBe(
      "[1e-07, 1e+22, 1e+16, 1.2345678901234568e+17, 0.0001, 1.234e-05, -1.5e-10, 5e-324, 1.5, -0.0, 0, 100]",
    )
    expect(stringifyJson([2 ** 53, 1e100])).toBe("[9007199254740992.0, 1e+100]")
  })

  test.skipIf(Bun.which("python3") === null)("any number and any text is written as Python writes it", () => {
    const doubles = fc
      .double({ noNaN: true, noDefaultInfinity: true })
      .filter((n) => !Number.isSafeInteger(n))
    const texts = fc.string({ unit: "binary" })
    const ascii = String.fromCharCode(...Array(256).keys())
    const values = [ascii, ...ascii, ...fc.sample(doubles, 500), ...fc.sample(texts, 200)]
    const python = Bun.spawnSync(
      ["python3", "-c", "import json, sys; json.dump(json.load(sys.stdin), sys.stdout)"],
      {
        stdin: Buffer.from(stringifyJson(values)),
      },
    )
    expect(stringifyJson(values)).toBe(python.stdout.toString())
  })

  test("text is ASCII, and escaped no further", () => {
    expect(stringifyJson('Ü✓😀/\u007f\n\t\b\u0001"\\\ud800')).toBe(
      '"\\u00dc\\u2713\\ud83d\\ude00/\\u007f\\n\\t\\b\\u0001\\"\\\\\\ud800"',
    )
  })

  test("what is no number becomes null, and integers stay exact", () => {
    expect(stringifyJson({ a: Number.NaN, b: [Number.NEGATIVE_INFINITY], c: 18446744073709551615n })).toBe(
      '{"a": null, "b": [null], "c": 18446744073709551615}',
    )
  })

  test("maps are objects, and what is undefined is left out", () => {
    const map = new Map<string, unknown>([
      ["2", { a: undefined, b: [] }],
      ["1", {}],
    ])
    expect(stringifyJson(map)).toBe('{"2": {"b": []}, "1": {}}')
  })

  test.each([
    ["a date", new Date(0)],
    ["bytes", new Uint8Array(2)],
    ["a function", () => 1],
    ["a symbol", Symbol("x")],
    ["a set", new Set([1])],
  ])("%s is refused instead of being lost", (_what, value) => {
    expect(() => stringifyJson({ value })).toThrow(InvalidJson)
  })

  test("a circle is refused", () => {
    const circle: unknown[] = []
    circle.push(circle)
    expect(() => stringifyJson(circle)).toThrow(InvalidJson)
  })

  test("what is written is read again", () => {
    const values = fc.letrec((tie) => ({
      value: fc.oneof(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.maxSafeInteger(),
        fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n }),
        fc.string({ unit: "binary" }),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie("value"), { maxLength: 4 }),
        fc.dictionary(fc.oneof(fc.string(), fc.nat().map(String)), tie("value"), {
          maxKeys: 4,
          noNullPrototype: true,
        }),
      ),
    })).value
    fc.assert(fc.property(values, (value) => expect(parseJson(stringifyJson(value))).toEqual(value)))
  })
})

function thrownBy(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  throw new Error("nothing was thrown")
}
