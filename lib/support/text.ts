// Control characters move the cursor or forge lines; bidirectional and invisible ones show a text as another
// one.
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/gu
const NAMED: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }

/**
 * Makes text from outside (ids, keys, descriptions, messages of libraries) safe to print on a terminal, on
 * one line.
 */
export function safe(text: string): string {
  return text.replace(UNSAFE, (char) => {
    const code = char.charCodeAt(0)
    return NAMED[char] ?? (code < 0x100 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`)
  })
}

const hex = (code: number, digits: number) => code.toString(16).padStart(digits, "0")

const COUNT = new Intl.NumberFormat("en-US")

/** `1,234,567`. */
export function count(n: number): string {
  return COUNT.format(n)
}

/** `1 study`, `2,000 studies`. */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`
}

const UNITS = ["kB", "MB", "GB", "TB", "PB"]

/** Decimal units as cloud bills have them: `999 B`, `1.2 MB`, `12 GB`. */
export function bytes(n: number): string {
  let value = n
  let unit = "B"
  for (const larger of UNITS) {
    if (value < 999.5) break
    value /= 1000
    unit = larger
  }
  return unit === "B" ? `${n} B` : `${value < 9.95 ? value.toFixed(1) : value.toFixed(0)} ${unit}`
}

/** The two largest units that tell something: `850 ms`, `12.3 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
  const hours = Math.round(minutes / 60)
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

type Cell = string | number | undefined

/**
 * A plain aligned table with a header line; numbers are grouped by thousands and stand right, absent cells
 * are empty. Every cell is made safe to print.
 */
export function table(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const lines = [header, ...rows.map((row) => header.map((_, column) => cellText(row[column])))]
  const widths = header.map((_, column) =>
    Math.max(...lines.map((line) => Bun.stringWidth(line[column] ?? ""))),
  )
  const right = header.map((_, column) => rows.some((row) => typeof row[column] === "number"))
  return lines
    .map((line) => {
      const cells = line.map((text, column) => pad(text, widths[column] ?? 0, right[column] ?? false))
      return cells.join("  ").trimEnd()
    })
    .join("\n")
}

function cellText(cell: Cell): string {
  if (cell === undefined) return ""
  return typeof cell === "number" ? count(cell) : safe(cell)
}

function pad(text: string, width: number, right: boolean): string {
  const space = " ".repeat(Math.max(0, width - Bun.stringWidth(text)))
  return right ? space + text : text + space
}
