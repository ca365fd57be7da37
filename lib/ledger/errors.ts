import { SQLiteError } from "bun:sqlite"
import { AppError, HeldByAnother } from "../support/errors.ts"

/** The ledger cannot be used: nothing may be done that it could not remember. Always ends the run. */
export class LedgerUnusable extends AppError {
  constructor(message: string, hint: string, cause?: unknown) {
    super(message, { verdict: "stop", hint, cause })
  }
}

/** Another process migrates the ledger or writes it without a pause. */
export class LedgerBusy extends HeldByAnother {
  constructor(path: string, cause?: unknown) {
    super(`another process holds the ledger: ${path}`, {
      hint: "Wait for it to end, then start this again; nothing was lost.",
      cause,
    })
  }
}

/** The claim's lease ended and somebody else took the study, or it was never ours. Its holder stops at once. */
export class ClaimLost extends AppError {
  /** @param what `study 8b0c…`, `series 17` */
  constructor(what: string) {
    super(`the claim of ${what} was lost to another process`, {
      verdict: "retry",
      facts: { claim: what },
      hint: "The other process goes on with it.",
    })
  }
}

/** Another process does what only one may do at a time. */
export class RunUnderWay extends HeldByAnother {
  readonly runId: number

  constructor({ runId, script, host, pid }: { runId: number; script: string; host: string; pid: number }) {
    super(`${script} is running already: run ${runId} on ${host}, pid ${pid}`, {
      facts: { run: runId, host, pid },
      hint: "Stop that one first, or leave the work to it.",
    })
    this.runId = runId
  }
}

/** Another discovery began because this one gave no sign of life for longer than its lease. It stops at once. */
export class DiscoveryOvertaken extends AppError {
  constructor(runId: number) {
    super(`the discovery of run ${runId} was overtaken by another one`, {
      verdict: "retry",
      facts: { run: runId },
      hint: "What it had recorded stands; the other one records the rest.",
    })
  }
}

/** Code asked for a move of states that the table of moves does not have: a defect, never a fact of life. */
export class IllegalMove extends AppError {
  constructor(what: string, from: string, to: string) {
    super(`${what} cannot go from ${from} to ${to}`, { verdict: "stop" })
  }
}

/** What SQLite's result codes mean for an operator (sqlite.org/rescode.html). Anything else is returned as it is. */
export function asLedgerError(error: unknown, path: string): unknown {
  if (!(error instanceof SQLiteError)) return error
  const code = error.code ?? ""
  if (code.startsWith("SQLITE_BUSY") || code.startsWith("SQLITE_LOCKED")) return new LedgerBusy(path, error)
  if (code.startsWith("SQLITE_FULL"))
    return new LedgerUnusable(
      `no space left for the ledger: ${path}`,
      "Free disk space, then start this again.",
      error,
    )
  if (code.startsWith("SQLITE_READONLY"))
    return new LedgerUnusable(
      `the ledger cannot be written: ${path}`,
      "Check owner and mode of the file and its folder.",
      error,
    )
  if (code.startsWith("SQLITE_CANTOPEN"))
    return new LedgerUnusable(
      `the ledger cannot be opened: ${path}`,
      "Check LEDGER_PATH and the rights on its folder.",
      error,
    )
  if (code.startsWith("SQLITE_CORRUPT") || code.startsWith("SQLITE_NOTADB"))
    return new LedgerUnusable(
      `the ledger is damaged: ${path}`,
      "Put a backup in its place: bun run backup list, then bun run backup restore FILE; the damaged file is kept.",
      error,
    )
  if (code.startsWith("SQLITE_IOERR"))
    return new LedgerUnusable(
      `the disk failed below the ledger: ${path}`,
      "Check the disk, then start this again.",
      error,
    )
  return error
}
