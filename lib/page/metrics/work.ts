import { heldClaims } from "../../ledger/claims.ts"
import type { Ledger } from "../../ledger/open.ts"
import { failureClasses } from "../../ledger/page/failures.ts"
import { claimedSeries, thumbnailCounts } from "../../ledger/page/machine.ts"
import { movedEver } from "../../ledger/page/moved.ts"
import { readTotals } from "../../ledger/totals.ts"
import { hangingLocks } from "../../ledger/views.ts"
import type { Exposition } from "./exposition.ts"

/** What there is to do, what is done, and what failed. */
export function tellWork({ gauge, counter }: Exposition, ledger: Ledger) {
  const totals = readTotals(ledger.db)
  const countOf = (name: string) => totals.get(name)?.count ?? 0
  const byState = (kind: string, label: string, states: readonly string[]) =>
    states.map((state) => ({ labels: { [label]: state }, value: countOf(`${kind}.${state}`) }))

  gauge(
    "etl_studies",
    "Studies ever discovered, by how they stand.",
    byState("studies", "standing", ["eligible", "out_of_cohort", "withdrawn"]),
  )
  gauge("etl_studies_complete", "Studies with everything at the destination.", countOf("complete"))
  gauge("etl_studies_due", "Studies of which a copy would find something to do.", countOf("due"))
  gauge(
    "etl_objects",
    "Objects to copy, by state.",
    byState("objects", "state", ["pending", "copied", "failed", "missing", "retired"]),
  )
  gauge(
    "etl_objects_copied_bytes",
    "Size of all that is copied, as it stands at the destination.",
    totals.get("objects.copied")?.bytes ?? 0,
  )
  gauge(
    "etl_series",
    "DICOM series, by what became of them in the datastore.",
    byState("series", "state", ["waiting", "packed", "failed"]),
  )
  gauge(
    "etl_instances",
    "Images given to the datastore, by what their series made of them.",
    byState("instances", "result", ["new", "same", "conflict", "error"]),
  )
  gauge(
    "etl_series_thumbnails",
    "Packed series by their thumbnail: settled (made, or there was nothing to show), failed, none yet.",
    Object.entries(thumbnailCounts(ledger, countOf("series.packed"))).map(([state, value]) => ({
      labels: { state },
      value,
    })),
  )
  gauge("etl_claims", "What runs work on at this moment.", [
    { labels: { kind: "study" }, value: heldClaims(ledger).length },
    { labels: { kind: "series" }, value: claimedSeries(ledger) },
  ])
  gauge("etl_locks_hanging", "Locks of series that a person has to look at.", hangingLocks(ledger).length)
  gauge(
    "etl_failures",
    "What failed and is not mended, by verdict, error class and kind.",
    failureClasses(ledger).flatMap(({ verdict, errorClass, kinds }) =>
      kinds.map(({ kind, count }) => ({ labels: { verdict, error_class: errorClass, kind }, value: count })),
    ),
  )
  tellMoved(counter, ledger)
}

function tellMoved(counter: Exposition["counter"], ledger: Ledger) {
  const { copied, adopted, failed, bytes, completed } = movedEver(ledger)
  counter("etl_object_tries_total", "Tries to copy an object that ended, by outcome.", [
    { labels: { outcome: "copied" }, value: copied },
    { labels: { outcome: "adopted" }, value: adopted },
    { labels: { outcome: "failed" }, value: failed },
  ])
  counter("etl_sent_bytes_total", "Bytes sent to the destination.", bytes)
  counter("etl_studies_completed_total", "Studies that became complete, each time that they did.", completed)
}
