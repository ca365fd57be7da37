import { LedgerBusy, LedgerUnusable } from "../../ledger/errors.ts"
import { checkLedgerDisk, checkSpoolDisk, LEDGER_RESERVE_BYTES } from "../../operate/doctor/disk.ts"
import type { Result } from "../../operate/doctor/finding.ts"
import type { PageDeps } from "../page.ts"
import { type Check, failing, well } from "./check.ts"
import { checkLastRun, checkScheduler } from "./runs.ts"

export interface Health {
  readonly status: "ok" | "failing"
  readonly checks: readonly Check[]
}

/** Whether somebody has to look after the box. Nothing is written, and nothing asked over the network. */
export async function healthOf({ ledger, config }: PageDeps): Promise<Health> {
  const { spoolDir, spoolBytes } = config.copy
  const disks = await Promise.all([
    disk("ledger disk", () => checkLedgerDisk(config.ledger.path, LEDGER_RESERVE_BYTES)),
    disk("spool disk", () => checkSpoolDisk(spoolDir, spoolBytes)),
  ])
  const checks = [...whatTheLedgerTells(ledger), ...disks]
  return { status: checks.every(({ status }) => status === "ok") ? "ok" : "failing", checks }
}

function whatTheLedgerTells(ledger: PageDeps["ledger"]): Check[] {
  try {
    return ledger.read(() => [well("ledger", "it can be read"), checkScheduler(ledger), checkLastRun(ledger)])
  } catch (error) {
    if (!(error instanceof LedgerUnusable || error instanceof LedgerBusy)) throw error
    return [failing("ledger", error.message)]
  }
}

async function disk(name: Check["name"], check: () => Promise<Result>): Promise<Check> {
  const { state, detail } = await check()
  return state === "ok" ? well(name, detail) : failing(name, detail)
}
