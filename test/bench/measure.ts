import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { join } from "node:path"

export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Where the real ledger lies by default: the system's folder for temporary files may be memory. */
export function scratchFolder(): Disposable & { readonly path: string } {
  const state = join(import.meta.dir, "../../state")
  mkdirSync(state, { recursive: true })
  const path = mkdtempSync(join(state, "bench-"))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}
