import { statSync } from "node:fs"
import { dirname } from "node:path"
import { ledgerVersions } from "../../ledger/views.ts"
import { freeBytes, spooled } from "../../operate/doctor/disk.ts"
import { VERSION } from "../../support/version.ts"
import type { PageDeps } from "../page.ts"
import type { Exposition } from "./exposition.ts"

/** The machine, and the program on it. */
export async function tellBox({ gauge }: Exposition, { ledger, config }: PageDeps) {
  const { spoolDir, spoolBytes } = config.copy
  const { sqlite, ledger_schema } = ledgerVersions(ledger)
  const labels = { version: VERSION, bun: Bun.version, sqlite, ledger_schema: String(ledger_schema) }
  gauge("etl_build_info", "1; the labels are the versions.", [{ labels, value: 1 }])
  gauge("etl_ledger_bytes", "Size of the ledger's file.", statSync(config.ledger.path).size)
  gauge("etl_spool_bytes", "What lies in the spool.", spooled(spoolDir).bytes)
  gauge("etl_spool_limit_bytes", "What may lie there at most.", spoolBytes)
  gauge("etl_disk_free_bytes", "Free space of the disk that this is on.", [
    { labels: { place: "ledger" }, value: await freeBytes(dirname(config.ledger.path)) },
    { labels: { place: "spool" }, value: await freeBytes(spoolDir) },
  ])
}
