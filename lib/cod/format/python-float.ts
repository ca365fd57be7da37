/**
 * A finite number as Python's `repr` of a float has it: the same shortest digits that read back as JavaScript's,
 * but always with a point or an exponent, which is of two digits at least and begins at 1e16 and below 1e-4.
 */
export function pythonFloat(value: number): string {
  if (Object.is(value, -0)) return "-0.0"
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2")
  }
  return Number.isInteger(value) ? `${value}.0` : String(value)
}
