import { expect, test } from "bun:test"
import fc from "fast-check"
import { InvalidIndex } from "../../../../lib/cod/format/errors.ts"
import { readIndex } from "../../../../lib/cod/format/index/read.ts"
import { goldenCase } from "../../../support/golden.ts"
import { type Mutation, mutate, mutations } from "../mutations.ts"
import { indexOf } from "./indexes.ts"

const WORDS = [
  "CREATE VIEW ",
  "CREATE TRIGGER ",
  "filestmp",
  "\0\0\0\x05",
  "\x0d\0\0\0\x01",
  "\xff\xff\xff\xff\x7f",
  '{"st_size": 1}',
]

const golden = goldenCase("several-instances")
const INDEXES = [
  golden.bytes(golden.keys.find((key) => key.endsWith("index.sqlite"))!),
  indexOf(0),
  indexOf(3),
  indexOf(300),
]

/** One byte of a page's header or of its list of cells, or of the file's header: the length stays a whole page's. */
const forgery: fc.Arbitrary<Mutation> = fc
  .tuple(fc.nat(40), fc.oneof(fc.nat(150), fc.nat(4095)), fc.oneof(fc.nat(16), fc.nat(255)))
  .map(([page, place, value]) => (index) => {
    const copy = Buffer.from(index)
    if (page * 4096 + place < copy.length) copy[page * 4096 + place] = value
    return copy
  })

const changes = fc.oneof(
  { weight: 3, arbitrary: fc.array(forgery, { minLength: 1, maxLength: 12 }) },
  { weight: 1, arbitrary: mutations(WORDS) },
)

test("a damaged index is read, or refused by an error of ours", () => {
  const property = fc.property(fc.constantFrom(...INDEXES), changes, (index, change) => {
    const bytes = mutate(index, change)
    try {
      const { members } = readIndex(bytes)
      expect(members.length).toBeLessThan(bytes.length / 4)
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidIndex)
    }
  })
  fc.assert(property, { numRuns: 2500 })
})
