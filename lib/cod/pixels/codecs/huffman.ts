/** A table of codes (ISO/IEC 10918-1, annex F.2.2.3): by length the smallest and largest code, and its first value. */
export interface HuffmanTable {
  readonly smallest: Int32Array
  /** -1 where no code has this length. */
  readonly largest: Int32Array
  readonly first: Int32Array
  readonly values: Uint8Array
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
  const table = {
    smallest: new Int32Array(17),
    largest: new Int32Array(17).fill(-1),
    first: new Int32Array(17),
    values,
  }
  let code = 0
  let index = 0
  for (let length = 1; length <= 16; length += 1) {
    const count = counts[length - 1]!
    table.first[length] = index
    table.smallest[length] = code
    if (count > 0) table.largest[length] = code + count - 1
    code = (code + count) * 2
    index += count
  }
  return table
}

/** Bits of an entropy-coded segment. Behind its end there are zeros, as many as anybody wants. */
export function bitReader(stream: Uint8Array, start: number) {
  let at = start
  let byte = 0
  let left = 0

  function bit(): number {
    if (left === 0) {
      byte = nextByte()
      left = 8
    }
    left -= 1
    return (byte >> left) & 1
  }

  function nextByte(): number {
    if (at >= stream.length) return 0
    if (stream[at] !== 0xff) return stream[at++]!
    // A zero is stuffed behind FF; anything else is a marker, and not ours.
    if (stream[at + 1] !== 0) return 0
    at += 2
    return 0xff
  }

  function bits(count: number): number {
    let value = 0
    for (let i = 0; i < count; i += 1) value = value * 2 + bit()
    return value
  }

  return {
    /** A number of so many bits, the smaller half of which stands for negative ones (table F.1). */
    signed(count: number): number {
      if (count === 0) return 0
      const value = bits(count)
      return value < 2 ** (count - 1) ? value - 2 ** count + 1 : value
    },

    symbol({ smallest, largest, first, values }: HuffmanTable): number {
      let code = 0
      for (let length = 1; length <= 16; length += 1) {
        code = code * 2 + bit()
        if (code <= largest[length]!) return values[first[length]! + code - smallest[length]!] ?? 0
      }
      throw new TypeError("bits that are no code")
    },

    /** Goes on behind the next restart marker, if there is one. */
    restart(): void {
      left = 0
      const marker = endOfBits()
      at = stream[marker + 1] !== undefined && (stream[marker + 1]! & 0xf8) === 0xd0 ? marker + 2 : marker
    },

    /** Where the marker behind these bits is. */
    end: endOfBits,
  }

  function endOfBits(): number {
    let end = at
    while (end < stream.length && !(stream[end] === 0xff && stream[end + 1] !== 0)) end += 1
    return end
  }
}
