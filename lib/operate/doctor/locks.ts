import { existsSync } from "node:fs"
import { seriesHeldByOthers } from "../../ledger/cod/foreign-locks.ts"
import { type Ledger, openLedger } from "../../ledger/open.ts"
import { datastoreUri, placesForReceipts } from "../../pipeline/ingest/open.ts"
import { openSource } from "../../storage/open.ts"
import type { Config } from "../../support/config.ts"
import { duration, plural } from "../../support/text.ts"
import { foreignLines, type LockLine, ownLines } from "../locks/lines.ts"
import { fault, ok, type Result, unknown } from "./finding.ts"

/** Another writer is done with a series sooner: after that a person should look. */
const FOREIGN_PATIENCE_SECONDS = 3600

/** Of each kind so many are told; the others by `locks list`. */
const SHOWN = 5

/** Whether locks keep series from being packed until a person does something: those that hang, those of others. */
export async function checkLocks(
  path: string,
  config: Partial<Config>,
  signal: AbortSignal,
): Promise<Result> {
  if (!existsSync(path)) return ok("none; there is no ledger yet")
  using ledger = openLedger(path, { readonly: true })
  const own = ownLines(ledger)
  const foreign = await foreignIn(ledger, config, signal)
  const ill = [...own.filter(({ state }) => state === "hanging"), ...(foreign ?? []).filter(isOld)]
  if (ill.length > 0) {
    const rest = ill.length > SHOWN ? ["and others: bun run locks list"] : []
    const fixes = ill.slice(0, SHOWN).map((line) => `${line.series_uri}: ${line.what_next}`)
    return fault(ill.slice(0, SHOWN).map(told).join("; "), [...fixes, ...rest].join("\n"))
  }
  if (foreign === undefined) return unknown("the configuration of the datastore is wrong, see above")
  return ok(notesOf(own, foreign))
}

/** Undefined where the datastore cannot be named; it is asked only when a series was met locked. */
async function foreignIn(
  ledger: Ledger,
  config: Partial<Config>,
  signal: AbortSignal,
): Promise<LockLine[] | undefined> {
  if (seriesHeldByOthers(ledger).length === 0) return []
  const { ingest, destination, cod, s3, gcs } = config
  if (ingest === undefined || destination === undefined || cod === undefined) return undefined
  const naming = { ingest, destination, cod }
  const places = placesForReceipts(ledger, naming)
  using store = openSource(datastoreUri(naming), { ...(s3 && { s3 }), ...(gcs && { gcs }) })
  return await foreignLines({ ledger, store, places }, signal)
}

function isOld({ age_seconds }: LockLine): boolean {
  return age_seconds === null || age_seconds > FOREIGN_PATIENCE_SECONDS
}

function told({ series_uri, state, why, age_seconds }: LockLine): string {
  const age = age_seconds === null ? "" : ` for ${duration(age_seconds * 1000)}`
  return state === "hanging"
    ? `the lock of ${series_uri} hangs${age}: ${why}`
    : `${series_uri} is locked by somebody else${age}: ${why}`
}

function notesOf(own: readonly LockLine[], foreign: readonly LockLine[]): string {
  const count = (state: LockLine["state"]) => own.filter((line) => line.state === state).length
  const notes = [
    ...(count("held") > 0 ? [`${count("held")} held by runs`] : []),
    ...(count("unfinished") > 0 ? [`${count("unfinished")} unfinished, which the next run settles`] : []),
    ...(foreign.length > 0 ? [`${plural(foreign.length, "lock")} of others, waited for`] : []),
  ]
  return notes.join(", ") || "none is left"
}
