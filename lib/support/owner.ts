import { readFileSync } from "node:fs"
import { hostname } from "node:os"

/**
 * Who holds a claim, a lease or a temporary file: enough to tell, on the same boot of the same host, that the
 * process is gone, also when its pid was given to another.
 */
export interface Owner {
  readonly host: string
  readonly bootId: string
  readonly pid: number
  /** Opaque; differs between two processes that had the same pid. */
  readonly processStart: string
}

export function thisProcess(): Owner {
  return {
    host: hostname(),
    bootId: bootId(),
    pid: process.pid,
    processStart: processStart(process.pid) ?? "unknown",
  }
}

/** True only when it is certain: same host, same boot, and no such process any more. */
export function isDead(owner: Owner): boolean {
  if (owner.host !== hostname() || owner.bootId !== bootId()) return false
  if (!isRunning(owner.pid)) return true
  const start = processStart(owner.pid)
  return start !== undefined && owner.processStart !== "unknown" && start !== owner.processStart
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it runs, as somebody else.
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
}

/** Linux's boot id; elsewhere a constant, so that only leases and not deaths are believed after a reboot. */
function bootId(): string {
  return readProc("/proc/sys/kernel/random/boot_id")?.trim() ?? "unknown"
}

/**
 * Start time in clock ticks since boot: field 22 of proc(5)'s stat, counted behind the command's closing parenthesis.
 * A zombie has ended, whatever its parent has yet to read of it.
 */
function processStart(pid: number): string | undefined {
  const stat = readProc(`/proc/${pid}/stat`)
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ")
  return fields?.[0] === "Z" ? "ended" : fields?.[19]
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8")
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === "ENOENT" || code === "EACCES" || code === "ESRCH") return undefined
    throw error
  }
}
