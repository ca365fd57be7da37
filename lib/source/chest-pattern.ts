/**
 * A PostgreSQL regular expression that finds any of the words (of the letters a-z) in any case, with or
 * without accents, precomposed or as combining marks.
 *
 * It names every code point that counts, so neither the database's locale nor an extension such as `unaccent`
 * has a say, and it is pure ASCII, so any server encoding can take it.
 */
export function containsAnyOf(words: readonly string[]): string {
  return words
    .map((word) => [...word].map((letter) => `[${SPELLINGS.get(letter)}]${COMBINING_MARKS}`).join(""))
    .join("|")
}

const COMBINING_MARKS = "[\\u0300-\\u036f]*"

/** ASCII, Latin-1, Latin Extended-A and -B, Latin Extended Additional, and the angstrom sign. */
const LATIN = [
  [0x41, 0x5a],
  [0x61, 0x7a],
  [0xc0, 0x24f],
  [0x1e00, 0x1eff],
  [0x212b, 0x212b],
] as const

/** For each letter a-z, as a bracket expression has them, the code points that are it but for case and accents. */
const SPELLINGS = new Map<string, string>()
for (const [first, last] of LATIN) {
  for (let code = first; code <= last; code++) {
    const character = String.fromCodePoint(code)
    const letter = plain(character)
    if (!/^[a-z]$/.test(letter)) continue
    const spelling = code < 0x80 ? character : `\\u${code.toString(16).padStart(4, "0")}`
    SPELLINGS.set(letter, `${SPELLINGS.get(letter) ?? ""}${spelling}`)
  }
}

function plain(character: string): string {
  return character
    .normalize("NFD")
    .replace(/[\u0300-\u036f]/g, "")
    .toLowerCase()
}
