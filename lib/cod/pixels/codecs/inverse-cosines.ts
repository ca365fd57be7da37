/**
 * Samples of one block from its coefficients, in place: the integer transform of Loeffler, Ligtenberg and Moschytz as
 * the Independent JPEG Group has it ("islow"), so that pictures are bit for bit those of its library.
 *
 * @param bits of a sample, 12: the samples are unsigned and clamped
 */
export function inverseCosines(block: Int32Array, bits: number): void {
  for (let column = 0; column < 8; column += 1) transform(block, column, 8, CONST_BITS - PASS1_BITS)
  const last = CONST_BITS + PASS1_BITS + 3
  for (let row = 0; row < 8; row += 1) transform(block, 8 * row, 1, last)
  const middle = 2 ** (bits - 1)
  for (let i = 0; i < 64; i += 1) block[i] = Math.max(0, Math.min(2 * middle - 1, block[i]! + middle))
}

const CONST_BITS = 13
// What is left of 32 bits for samples of 12.
const PASS1_BITS = 1

function transform(block: Int32Array, start: number, step: number, shift: number): void {
  const at = (i: number) => block[start + i * step]!
  const [even0, even1, even2, even3] = evenPart(at(0), at(2), at(4), at(6))
  const [odd0, odd1, odd2, odd3] = oddPart(at(7), at(5), at(3), at(1))
  const half = 2 ** (shift - 1)
  const put = (i: number, value: number) => {
    block[start + i * step] = (value + half) >> shift
  }
  put(0, even0 + odd3)
  put(7, even0 - odd3)
  put(1, even1 + odd2)
  put(6, even1 - odd2)
  put(2, even2 + odd1)
  put(5, even2 - odd1)
  put(3, even3 + odd0)
  put(4, even3 - odd0)
}

function evenPart(c0: number, c2: number, c4: number, c6: number) {
  const z1 = (c2 + c6) * 4433
  const a = z1 - c6 * 15137
  const b = z1 + c2 * 6270
  const sum = (c0 + c4) * 2 ** CONST_BITS
  const difference = (c0 - c4) * 2 ** CONST_BITS
  return [sum + b, difference + a, difference - a, sum - b] as const
}

function oddPart(c7: number, c5: number, c3: number, c1: number) {
  const z5 = (c7 + c3 + c5 + c1) * 9633
  const z1 = -(c7 + c1) * 7373
  const z2 = -(c5 + c3) * 20995
  const z3 = z5 - (c7 + c3) * 16069
  const z4 = z5 - (c5 + c1) * 3196
  return [c7 * 2446 + z1 + z3, c5 * 16819 + z2 + z4, c3 * 25172 + z2 + z3, c1 * 12299 + z1 + z4] as const
}
