/** One record of a pax header, `"<length> <key>=<value>\n"`: the length is decimal and counts itself, in bytes. */
export function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(key) + Buffer.byteLength(value) + " =\n".length
  let length = rest
  while (length !== rest + String(length).length) length = rest + String(length).length
  return `${length} ${key}=${value}\n`
}

/** A number as Python's `repr` of a float has it: the shortest digits that read back, always with a point or an e. */
export function pythonFloat(value: number): string {
  const [mantissa = "", e = ""] = value.toExponential().split("e")
  const exponent = Number(e)
  const sign = Object.is(value, -0) ? "-" : ""
  if (exponent < -4 || exponent >= 16) {
    return `${mantissa}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`
  }
  // JavaScript has an exponent of its own only below 1e-6 and from 1e21 on.
  const plain = exponent < 0 ? smallDecimal(mantissa, exponent) : String(value)
  return sign + (plain.includes(".") ? plain : `${plain}.0`)
}

function smallDecimal(mantissa: string, exponent: number): string {
  const negative = mantissa.startsWith("-")
  const digits = mantissa.replace(/[-.]/g, "")
  return `${negative ? "-" : ""}0.${"0".repeat(-exponent - 1)}${digits}`
}
