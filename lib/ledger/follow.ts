import { statSync } from "node:fs"
import { type Clock, systemClock } from "../support/clock.ts"
import { LedgerUnusable } from "./errors.ts"
import { LEDGER_VERSION } from "./migrate.ts"
import { type Ledger, openLedger } from "./open.ts"
import { ledgerVersions } from "./views.ts"

/**
 * A connection that cannot write, to whatever ledger stands at the path: when another file was put there (a restored
 * backup), whoever reads next reads that one. For a process that looks for days.
 * @throws LedgerUnusable when there is none, or one of another version; also later, by everything that reads
 */
export function followLedger(path: string, { clock = systemClock }: { readonly clock?: Clock } = {}): Ledger {
  let opened: { readonly ledger: Ledger; readonly file: string } | undefined

  const close = () => {
    opened?.ledger[Symbol.dispose]()
    opened = undefined
  }
  const now = (): Ledger => {
    // What is read as of one moment is read of one file.
    if (opened?.ledger.db.inTransaction) return opened.ledger
    const file = fileAt(path)
    if (opened?.file === file && isOfThisVersion(opened.ledger)) return opened.ledger
    close()
    opened = { ledger: openLedger(path, { readonly: true, clock }), file }
    return opened.ledger
  }

  now()
  return {
    path,
    clock,
    get id() {
      return now().id
    },
    get db() {
      return now().db
    },
    now: () => clock.now().toISOString(),
    write: (work) => now().write(work),
    read: (work) => now().read(work),
    [Symbol.dispose]: close,
  }
}

function fileAt(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found !== undefined) return `${found.dev}:${found.ino}`
  throw new LedgerUnusable(`there is no ledger at ${path}`, "Run discover first, or check LEDGER_PATH.")
}

/** A newer program may have migrated it meanwhile. */
function isOfThisVersion(ledger: Ledger): boolean {
  return ledgerVersions(ledger).ledger_schema === LEDGER_VERSION
}
