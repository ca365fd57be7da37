/** A table of codes (ISO/IEC 10918-1, annex F.2.2.3): by length the smallest and largest code, and its first value. */
export interface HuffmanTable {
  readonly smallest: Int32Array
  /** -1 where no code has this length. */
  readonly largest: Int32Array
  readonly first: Int32Array
  readonly values: Uint8Array
  /** By the next eight bits, where a code of at most as many begins them: its length times 256, and its value; else 0. */
  readonly short: Uint16Array
}

/** The same for numbers behind their codes, where there is nothing else. */
export interface DifferenceTable {
  readonly table: HuffmanTable
  /** By the next bits, `AHEAD` of them, where a code and its number begin them: the number times 256, and the length of both; else 0. */
  readonly whole: Int32Array
}

const AHEAD = 12

export function differenceTable(table: HuffmanTable): DifferenceTable {
  const whole = Int32Array.from({ length: 1 << AHEAD }, (_, bits) => {
    const entry = table.short[bits >> (AHEAD - 8)]!
    const count = entry & 0xff
    const length = (entry >> 8) + count
    if (entry === 0 || length > AHEAD) return 0
    return numberOf((bits >> (AHEAD - length)) & ((1 << count) - 1), count) * 256 + length
  })
  return { table, whole }
}

/** What bits behind a code stand for: the smaller half of them for negative numbers (table F.1). */
function numberOf(bits: number, count: number): number {
  return count > 0 && bits < 1 << (count - 1) ? bits - (1 << count) + 1 : bits
}

/** Tables of one DHT segment. @throws TypeError when it is cut off */
export function* huffmanTables(
  segment: Uint8Array,
): Generator<{ readonly isAc: boolean; readonly slot: number; readonly table: HuffmanTable }> {
  for (let at = 0; at < segment.length; ) {
    const counts = segment.subarray(at + 1, at + 17)
    const length = counts.reduce((sum, count) => sum + count, 0)
    const end = at + 17 + length
    if (end > segment.length) throw new TypeError("a table of codes is cut off")
    const table = tableOf(counts, segment.subarray(at + 17, end))
    yield { isAc: segment[at]! >> 4 !== 0, slot: segment[at]! & 15, table }
    at = end
  }
}

function tableOf(counts: Uint8Array, values: Uint8Array): HuffmanTable {
  const smallest = new Int32Array(17)
  const largest = new Int32Array(17).fill(-1)
  const first = new Int32Array(17)
  const short = new Uint16Array(256)
  let code = 0
  let index = 0
  for (let length = 1; length <= 16; length += 1) {
    const count = counts[length - 1]!
    first[length] = index
    smallest[length] = code
    if (count > 0) largest[length] = code + count - 1
    for (let i = 0; i < count && length <= 8; i += 1) {
      const begin = (code + i) << (8 - length)
      short.fill(length * 256 + values[index + i]!, begin, begin + (1 << (8 - length)))
    }
    code = (code + count) * 2
    index += count
  }
  return { smallest, largest, first, values, short }
}

export interface BitReader {
  /** A number of so many bits, the smaller half of which stands for negative ones (table F.1). */
  signed(count: number): number
  /** @throws TypeError for bits that are no code, and a while behind the end of all bits */
  symbol(table: HuffmanTable): number
  /** A symbol, and the number of so many bits behind it. */
  difference(table: HuffmanTable): number
  /** As many as there is room for, by one table after the other and by the first again. */
  differences(tables: readonly DifferenceTable[], into: Int32Array): void
  /** Goes on behind the next restart marker, if there is one. */
  restart(): void
  /** Where the marker behind these bits is. */
  end(): number
}

/** Bits of an entropy-coded segment. */
export function bitReader(stream: Uint8Array, start: number): BitReader {
  let at = start
  // The last bits of `held` are the next ones.
  let held = 0
  let left = 0
  let missing = 0

  function fill(): void {
    while (left <= 24) {
      held = (held << 8) | nextByte()
      left += 8
    }
  }

  function nextByte(): number {
    const byte = stream[at]
    // A zero is stuffed behind FF; anything else is a marker, and not ours.
    if (byte === undefined || (byte === 0xff && stream[at + 1] !== 0)) {
      missing += 1
      if (missing > MOST_MISSING_BYTES) throw new TypeError("the bits end before the picture does")
      return 0
    }
    at += byte === 0xff ? 2 : 1
    return byte
  }

  function take(count: number): number {
    if (left < count) fill()
    left -= count
    return (held >>> left) & ((1 << count) - 1)
  }

  function longSymbol({ smallest, largest, first, values }: HuffmanTable): number {
    let code = (held >>> (left - 8)) & 0xff
    for (let length = 9; length <= 16; length += 1) {
      code = (code << 1) | ((held >>> (left - length)) & 1)
      if (code <= largest[length]!) {
        left -= length
        return values[first[length]! + code - smallest[length]!] ?? 0
      }
    }
    throw new TypeError("bits that are no code")
  }

  function endOfBits(): number {
    let end = at
    while (end < stream.length && !(stream[end] === 0xff && stream[end + 1] !== 0)) end += 1
    return end
  }

  function signed(count: number): number {
    if (count === 0) return 0
    // Of sixteen bits there is one number only (table H.2).
    if (count >= 16) return 32_768
    return numberOf(take(count), count)
  }

  function symbol(table: HuffmanTable): number {
    if (left < 16) fill()
    const entry = table.short[(held >>> (left - 8)) & 0xff]!
    if (entry === 0) return longSymbol(table)
    left -= entry >> 8
    return entry & 0xff
  }

  const difference = (table: HuffmanTable) => signed(symbol(table))

  function differences(tables: readonly DifferenceTable[], into: Int32Array): void {
    // There are millions of them: variables of this function alone are kept in registers.
    let bits = held
    let count = left
    let next = at
    const last = stream.length - 1
    for (let n = 0, position = 0; n < into.length; n += 1) {
      const { table, whole } = tables[position]!
      if (count < AHEAD && next < last && stream[next] !== 0xff && stream[next + 1] !== 0xff) {
        bits = (bits << 16) | (stream[next]! << 8) | stream[next + 1]!
        next += 2
        count += 16
      }
      const entry = count < AHEAD ? 0 : whole[(bits >>> (count - AHEAD)) & ((1 << AHEAD) - 1)]!
      if (entry !== 0) {
        into[n] = entry >> 8
        count -= entry & 0xff
      } else {
        held = bits
        left = count
        at = next
        into[n] = difference(table)
        bits = held
        count = left
        next = at
      }
      position = position + 1 === tables.length ? 0 : position + 1
    }
    held = bits
    left = count
    at = next
  }

  return {
    signed,
    symbol,
    difference,
    differences,

    restart() {
      left = 0
      missing = 0
      const marker = endOfBits()
      at = ((stream[marker + 1] ?? 0) & 0xf8) === 0xd0 ? marker + 2 : marker
    },

    end: endOfBits,
  }
}

// What is held ahead, and a little for writers that forget the padding.
const MOST_MISSING_BYTES = 8
