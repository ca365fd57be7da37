import { chmodSync, closeSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from "node:fs"
import { dirname, join } from "node:path"
import type { Clock } from "./clock.ts"

/** A folder of log files, one a day. */
export interface DailyLog extends Disposable {
  /** Takes finished lines of the logger, and writes them before it returns. */
  write(line: string): void
}

export const KEPT_LOG_DAYS = 14

const DAY_MS = 86_400_000
const NAME = /^\d{4}-\d\d-\d\d\.jsonl$/

/** Beside the ledger, as its backups are. */
export function logFolder(ledgerPath: string): string {
  return join(dirname(ledgerPath), "logs")
}

/**
 * Keeps log lines in `dir/YYYY-MM-DD.jsonl`, the day in UTC as in the lines themselves, for 14 days. Folder and files are
 * their owner's alone. A full disk stops no work: it is told once a day, and lines are lost here but not elsewhere.
 * @param onError told that the day's lines cannot be kept
 */
export function dailyLog(dir: string, clock: Clock, onError: (error: unknown) => void): DailyLog {
  let day = ""
  let file: number | undefined

  const close = () => {
    if (file !== undefined) closeSync(file)
    file = undefined
  }
  const turnPage = (today: string) => {
    day = today
    close()
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    removeOld(dir, clock.now())
    const path = join(dir, `${today}.jsonl`)
    file = openSync(path, "a", 0o600)
    chmodSync(path, 0o600)
  }

  return {
    write(line) {
      const today = dayOf(clock.now())
      try {
        if (today !== day) turnPage(today)
        if (file !== undefined) writeSync(file, line)
      } catch (error) {
        close()
        onError(error)
      }
    },
    [Symbol.dispose]: close,
  }
}

function removeOld(dir: string, now: Date) {
  const oldest = `${dayOf(new Date(now.getTime() - (KEPT_LOG_DAYS - 1) * DAY_MS))}.jsonl`
  for (const name of readdirSync(dir)) {
    if (NAME.test(name) && name < oldest) rmSync(join(dir, name), { force: true })
  }
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10)
}
