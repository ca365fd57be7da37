import { damagedAt } from "./errors.ts"

/** One record of a pax header, `"<length> <key>=<value>\n"`: the length is decimal and counts itself, in bytes. */
export function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(key) + Buffer.byteLength(value) + " =\n".length
  let length = rest
  while (length !== rest + String(length).length) length = rest + String(length).length
  return `${length} ${key}=${value}\n`
}

/** What a record can say that we ask for. No other is kept: there may be any number of them. */
const KEYS: ReadonlySet<string> = new Set([
  ...["path", "linkpath", "uname", "gname", "uid", "gid", "size", "mtime"],
  ...["GNU.sparse.name", "GNU.sparse.map", "GNU.sparse.size", "GNU.sparse.major"],
])

/**
 * Adds the records of a pax header to `records`, as far as they are of use; a later one of the same key counts.
 *
 * @throws InvalidTar when a record's length does not fit; `at` is the header's offset in the tar, for the error
 */
export function parsePax(body: Buffer, at: number, records: Map<string, string>): void {
  for (let start = 0; start < body.length; ) {
    const [, digits = ""] = /^(\d{1,9}) /.exec(body.toString("latin1", start, start + 10)) ?? []
    const end = start + Number(digits)
    const key = start + digits.length + 1
    const equals = body.indexOf("=", key)
    if (digits === "" || end > body.length || body[end - 1] !== NEWLINE || equals === -1 || equals >= end) {
      throw damagedAt(at, "a pax record's length is wrong")
    }
    const name = body.toString("latin1", key, equals)
    if (KEYS.has(name)) records.set(name, body.toString("utf8", equals + 1, end - 1))
    start = end
  }
}

const NEWLINE = 0x0a
