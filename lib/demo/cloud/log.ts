import type { Operation, Outcome } from "./call.ts"

/** One request that was answered or broken off, in the order in which that happened. */
export interface LogEntry extends Outcome {
  /** 1 for the first request. */
  readonly number: number
  /** Milliseconds since 1970 at which the request came. */
  readonly cameAt: number
  readonly verb: string
  readonly operation: Operation
  readonly bucket: string | undefined
  readonly key: string | undefined
  /** 0 where no answer was sent, on purpose or because the client had gone. */
  readonly status: number
  readonly bytesIn: number
  readonly bytesOut: number
  /** Kind of the fault that was in force. */
  readonly fault: string | undefined
}

export interface Counters {
  readonly requests: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly inFlight: number
  /** Most requests that were under way at one moment. */
  readonly peakInFlight: number
  /** Answered requests by operation, and there by status. */
  readonly operations: Readonly<Record<string, Readonly<Record<number, number>>>>
}

export type EntryFilter = Partial<
  Pick<LogEntry, "operation" | "bucket" | "key" | "status" | "effect" | "verb">
>

export interface RequestLog {
  readonly entries: readonly LogEntry[]
  readonly counters: Counters
  /** Entries that agree with every property of the filter. */
  find(filter: EntryFilter): LogEntry[]
  count(filter: EntryFilter): number
  /** Resolves as soon as `count` entries agree with the filter, at once if they already do. */
  reached(filter: EntryFilter, count: number, signal?: AbortSignal): Promise<void>
  clear(): void
}

export interface RecordingLog extends RequestLog {
  begin(): void
  end(entry: Omit<LogEntry, "number">): void
}

/** @param keepEntries false in benchmarks of many requests: then only counters are kept */
export function openLog({ keepEntries = true } = {}): RecordingLog {
  const waiting = new Set<() => void>()
  let entries: LogEntry[] = []
  let counters = noCounts()
  let number = 0

  const find = (filter: EntryFilter) => entries.filter((entry) => agrees(entry, filter))
  return {
    get entries() {
      return entries
    },
    get counters() {
      return counters
    },
    find,
    count: (filter) => find(filter).length,
    reached(filter, count, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const look = () => {
        if (find(filter).length < count) return
        waiting.delete(look)
        resolve()
      }
      signal?.throwIfAborted()
      signal?.addEventListener("abort", () => waiting.delete(look) && reject(signal.reason), { once: true })
      waiting.add(look)
      look()
      return promise
    },
    clear() {
      entries = []
      counters = { ...noCounts(), inFlight: counters.inFlight }
    },
    begin() {
      counters.inFlight++
      counters.peakInFlight = Math.max(counters.peakInFlight, counters.inFlight)
    },
    end(entry) {
      number++
      count(counters, entry)
      if (!keepEntries) return
      entries.push({ number, ...entry })
      for (const look of waiting) look()
    },
  }
}

interface LiveCounters extends Counters {
  requests: number
  bytesIn: number
  bytesOut: number
  inFlight: number
  peakInFlight: number
  operations: Record<string, Record<number, number>>
}

function noCounts(): LiveCounters {
  return { requests: 0, bytesIn: 0, bytesOut: 0, inFlight: 0, peakInFlight: 0, operations: {} }
}

function count(counters: LiveCounters, entry: Omit<LogEntry, "number">) {
  counters.inFlight--
  counters.requests++
  counters.bytesIn += entry.bytesIn
  counters.bytesOut += entry.bytesOut
  counters.operations[entry.operation] ??= {}
  const byStatus = counters.operations[entry.operation]!
  byStatus[entry.status] = (byStatus[entry.status] ?? 0) + 1
}

function agrees(entry: LogEntry, filter: EntryFilter): boolean {
  for (const name in filter) {
    const wanted = filter[name as keyof EntryFilter]
    if (wanted !== undefined && entry[name as keyof EntryFilter] !== wanted) return false
  }
  return true
}
