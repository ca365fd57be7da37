import { describeLock, type FoundLock } from "../../cod/index.ts"
import { table } from "../../support/text.ts"

/** A lock for programs. */
export function lockDocument({ name, uri, generation, tool, holder, since }: FoundLock) {
  return {
    name,
    uri,
    generation,
    tool,
    host: holder?.host ?? null,
    pid: holder?.pid ?? null,
    since: since?.toISOString() ?? null,
    holder_has_ended: holder?.hasEnded ?? null,
  }
}

/** A row for each: what it is called, which one it is, whose it is. */
export function renderLocks(title: string, locks: readonly FoundLock[], now: Date): string {
  const rows = locks.map((lock) => [lock.name, lock.generation, describeLock(lock, now)])
  return table([title, "generation", "held by"], rows)
}
