import { InvalidIndex } from "../errors.ts"

// An index has a dozen tables, views and triggers on two or three pages, with 5 KB of text.
const MAX_PAGES = 64
const MAX_TEXT = 1 << 20

/**
 * Walks the b-tree of a database's schema, before SQLite does so without any limit: pages that point to each other
 * make a schema without end out of a small file (SQLite file format, sections 1.6 and 2.6).
 *
 * @param database at least the header of 100 bytes
 * @throws InvalidIndex when the schema is more than an index's can be, or no tree
 */
export function checkSchemaPages(database: Uint8Array): void {
  const bytes = new DataView(database.buffer, database.byteOffset, database.byteLength)
  const pageSize = bytes.getUint16(16) === 1 ? 65_536 : bytes.getUint16(16)
  const toVisit = [1]
  const seen = new Set<number>()
  let text = 0
  for (let page = toVisit.pop(); page !== undefined; page = toVisit.pop()) {
    if (seen.has(page) || seen.size === MAX_PAGES) throw new InvalidIndex("the index's schema is no tree")
    seen.add(page)
    const { children, payload } = readPage(pageAt(bytes, page, pageSize), page === 1 ? 100 : 0)
    toVisit.push(...children)
    text += payload
    if (text > MAX_TEXT) throw new InvalidIndex("the index's schema is too long")
  }
}

function pageAt(bytes: DataView, page: number, pageSize: number): DataView {
  const start = (page - 1) * pageSize
  if (pageSize < 512 || page < 1 || start + pageSize > bytes.byteLength) {
    throw new InvalidIndex("the index's pages are not all there")
  }
  return new DataView(bytes.buffer, bytes.byteOffset + start, pageSize)
}

const INTERIOR = 5
const LEAF = 13

/** The pages below an interior one, or the bytes of all rows of a leaf. */
function readPage(page: DataView, at: number): { children: number[]; payload: number } {
  const type = page.getUint8(at)
  if (type !== INTERIOR && type !== LEAF) throw new InvalidIndex("the index's schema is no table")
  const cells = at + (type === INTERIOR ? 12 : 8)
  const count = Math.min(page.getUint16(at + 3), Math.floor((page.byteLength - cells) / 2))
  const offsets = Array.from({ length: count }, (_, i) => page.getUint16(cells + 2 * i))
  if (offsets.some((offset) => offset + 4 > page.byteLength)) {
    throw new InvalidIndex("the index's schema is damaged")
  }
  return type === INTERIOR
    ? { children: [...offsets.map((o) => page.getUint32(o)), page.getUint32(at + 8)], payload: 0 }
    : { children: [], payload: offsets.reduce((sum, o) => sum + varint(page, o), 0) }
}

/** Seven bits a byte, the highest first; a ninth byte would only make it too long all the more. */
function varint(page: DataView, at: number): number {
  let value = 0
  for (let i = at; i < Math.min(at + LONGEST, page.byteLength); i++) {
    value = value * 128 + (page.getUint8(i) & 0x7f)
    if (page.getUint8(i) < 0x80) return value
  }
  return value
}

const LONGEST = 8
