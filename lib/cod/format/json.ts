/** Arrays and objects within each other that a document may have. DICOM sequences nest three levels each. */
export const MAX_DEPTH = 512

/**
 * Parses JSON as Python's `json` writes it: also `NaN`, `Infinity` and `-Infinity`; integers beyond 2^53 are `bigint`.
 * Objects are plain and take no key for more than a key ("__proto__").
 *
 * @throws InvalidJson for what is no JSON, or nested deeper than `MAX_DEPTH`
 */
export function parseJson(text: string): unknown {
  return JSON.parse(text)
}

/**
 * Text as Python's `json.dumps` writes it by default: ", " and ": ", nothing but ASCII. NaN and infinities become
 * null, a `bigint` its digits; a key whose value is `undefined` is left out.
 */
export function stringifyJson(value: unknown): string {
  return JSON.stringify(value)
}
