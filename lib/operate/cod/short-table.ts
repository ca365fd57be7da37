import { count, table } from "../../support/text.ts"

/** A folder or a series may have thousands, and a terminal has fifty lines. */
const SHOWN = 20

/** A table of the first rows, and how many more there are. */
export function shortTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const more = rows.length - SHOWN
  const first = table(header, rows.slice(0, SHOWN))
  return more > 0 ? `${first}\nand ${count(more)} more; --json has them all` : first
}
