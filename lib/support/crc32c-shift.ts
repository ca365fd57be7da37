/** Castagnoli's polynomial without its x^32, lowest bit first: the highest bit of a number stands for x^0. */
const POLYNOMIAL = 0x82f63b78

const ONE = 0x80000000

/** x^(2^31 - 1) = 1: the polynomial is (x + 1) times a primitive one of degree 31. Exponents count modulo this. */
const ORDER = 2 ** 31 - 1

/**
 * What `bytes` further bytes make of the CRC32C before them, beside what those bytes are themselves:
 * `crc · x^(8 · bytes)` modulo the polynomial. The CRC32C of A and B after one another is that of A, shifted by B's
 * length, exclusive-or that of B (RFC 3720's preset and inversion cancel out). A negative number of bytes shifts back.
 *
 * Costs some dozens of multiplications whatever the number is, up to 2^53.
 */
export function shiftCrc32c(crc: number, bytes: number): number {
  // Reduced first, because eight times a large number of bytes is no safe integer.
  const exponent = ((bytes % ORDER) * 8) % ORDER
  return times(crc, powerOfX(exponent < 0 ? exponent + ORDER : exponent))
}

/** By squaring: for each bit of the exponent. */
function powerOfX(exponent: number): number {
  let power = ONE
  let square = ONE >>> 1
  for (let rest = exponent; rest > 0; rest >>>= 1) {
    if ((rest & 1) === 1) power = times(power, square)
    square = times(square, square)
  }
  return power
}

/** Product of two polynomials over GF(2), modulo Castagnoli's. */
function times(a: number, b: number): number {
  let product = 0
  let shifted = b
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= shifted
    shifted = (shifted & 1) === 1 ? (shifted >>> 1) ^ POLYNOMIAL : shifted >>> 1
  }
  return product >>> 0
}
