import fc from "fast-check"

/** One change of bytes; places are fractions, so that they fit bytes of any length. */
export type Mutation = (bytes: Buffer) => Buffer

const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const length = fc.oneof({ weight: 3, arbitrary: fc.nat(16) }, { weight: 1, arbitrary: fc.nat(4000) })

/** Bits turned over, and pieces cut out, doubled, moved, or replaced by one of `words`. */
export function mutations(words: readonly string[]): fc.Arbitrary<Mutation[]> {
  const inserted = fc.oneof(
    fc.constantFrom(...words).map((word) => Buffer.from(word, "latin1")),
    fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
  )
  const mutation: fc.Arbitrary<Mutation> = fc.oneof(
    fc.tuple(place, fc.integer({ min: 1, max: 255 })).map(flip),
    fc.tuple(place, length).map(([at, size]) => replace(at, size, () => Buffer.alloc(0))),
    fc.tuple(place, length).map(([at, size]) => replace(at, size, (cut) => Buffer.concat([cut, cut]))),
    fc.tuple(place, length, inserted).map(([at, size, word]) => replace(at, size, () => word)),
    fc.tuple(place, inserted).map(([at, word]) => replace(at, 0, () => word)),
    fc.tuple(place, length, place).map(([from, size, to]) => move(from, size, to)),
    place.map(
      (at): Mutation =>
        (bytes) =>
          bytes.subarray(0, index(bytes, at)),
    ),
  )
  return fc.array(mutation, { minLength: 1, maxLength: 4 })
}

export function mutate(bytes: Uint8Array, changes: readonly Mutation[]): Buffer {
  return changes.reduce<Buffer>((changed, change) => change(changed), Buffer.from(bytes))
}

function flip([at, bits]: [at: number, bits: number]): Mutation {
  return (bytes) => {
    const changed = Buffer.from(bytes)
    const place = index(bytes, at)
    if (place < changed.length) changed[place]! ^= bits
    return changed
  }
}

function replace(at: number, size: number, by: (cut: Buffer) => Buffer): Mutation {
  return (bytes) => {
    const start = index(bytes, at)
    const end = start + size
    return Buffer.concat([bytes.subarray(0, start), by(bytes.subarray(start, end)), bytes.subarray(end)])
  }
}

function move(from: number, size: number, to: number): Mutation {
  return (bytes) => {
    const start = index(bytes, from)
    const piece = bytes.subarray(start, start + size)
    return replace(to, 0, () => piece)(bytes)
  }
}

function index(bytes: Buffer, at: number): number {
  return Math.floor(at * bytes.length)
}
