import { isDead, type Owner, thisProcess } from "../../support/owner.ts"
import { VERSION } from "../../support/version.ts"

/** Who takes a lock. */
export interface LockOwner extends Owner {
  /** The program and its version. */
  readonly tool: string
}

/** What a lock says of who took it. */
export interface LockHolder extends LockOwner {
  /** The same for all locks that were taken together, and for no others. */
  readonly token: string
  /** By its own clock. */
  readonly takenAt: Date | undefined
  /**
   * Whether it is certain that this process runs no more, seen from here: then the lock was left behind, unless it was
   * handed on to another process.
   */
  readonly hasEnded: boolean
}

export function thisOwner(): LockOwner {
  return { ...thisProcess(), tool: `cod/${VERSION}` }
}

const TOKEN = "cod-lock-token"
const TOOL = "cod-lock-tool"
const HOST = "cod-lock-host"
const BOOT = "cod-lock-boot"
const PID = "cod-lock-pid"
const PROCESS_START = "cod-lock-process-start"
const TAKEN_AT = "cod-lock-time"

/** Custom metadata of a lock object. */
export type LockMetadata = Readonly<Record<string, string>>

export function metadataOf(owner: LockOwner, token: string, takenAt: Date): LockMetadata {
  return {
    [TOKEN]: token,
    [TOOL]: owner.tool,
    [HOST]: owner.host,
    [BOOT]: owner.bootId,
    [PID]: String(owner.pid),
    [PROCESS_START]: owner.processStart,
    [TAKEN_AT]: takenAt.toISOString(),
  }
}

/** The token that custom metadata tell; undefined when the object was made by another program. */
export function tokenOf(metadata: LockMetadata): string | undefined {
  return metadata[TOKEN]
}

/** @returns undefined when another program made the lock */
export function holderOf(metadata: LockMetadata): LockHolder | undefined {
  const token = tokenOf(metadata)
  if (token === undefined) return undefined
  const { [TOOL]: tool = "unknown", [HOST]: host = "unknown", [BOOT]: bootId = "unknown" } = metadata
  const { [PID]: pidText = "", [PROCESS_START]: processStart = "unknown", [TAKEN_AT]: time = "" } = metadata
  const pid = /^\d{1,10}$/.test(pidText) ? Number(pidText) : 0
  const takenAt = Number.isNaN(Date.parse(time)) ? undefined : new Date(time)
  const owner = { host, bootId, pid, processStart }
  // Of process 0, which is nobody's, the system would speak of our own group.
  return { ...owner, tool, token, takenAt, hasEnded: pid > 0 && isDead(owner) }
}
