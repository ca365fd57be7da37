import type { Database } from "bun:sqlite"

/** `studies.{standing}`, `objects.{state}`, `complete`, `due`, `series.{state}`, `instances.{result}`. */
export type TotalName = string

/** What moved in a span of time: the columns of the tables `hourly` and `minutes`. */
export interface Moved {
  readonly copied: number
  readonly adopted: number
  /** Of what was adopted: nothing of it was sent. */
  readonly adoptedBytes: number
  readonly failed: number
  /** Sent to the destination. */
  readonly bytes: number
  /** Studies that became complete. */
  readonly completed: number
}

export const NOTHING_MOVED: Moved = {
  copied: 0,
  adopted: 0,
  adoptedBytes: 0,
  failed: 0,
  bytes: 0,
  completed: 0,
}

/** Changes of totals, collected while rows change and written once per transaction. */
export class Tally {
  private readonly totals = new Map<TotalName, { count: number; bytes: number }>()
  private readonly minutes = new Map<string, Moved>()

  add(name: TotalName, count: number, bytes = 0) {
    const sum = this.totals.get(name) ?? { count: 0, bytes: 0 }
    this.totals.set(name, { count: sum.count + count, bytes: sum.bytes + bytes })
  }

  /** @param at ISO time; its first 16 characters are the minute. */
  moved(at: string, counts: Partial<Moved>) {
    const minute = at.slice(0, MINUTE)
    this.minutes.set(minute, sumOf(this.minutes.get(minute) ?? NOTHING_MOVED, counts))
  }

  entries() {
    return { totals: this.totals, minutes: this.minutes }
  }
}

/** How much of an ISO time tells the hour, and the minute. */
const HOUR = 13
const MINUTE = 16

export function sumOf(a: Moved, b: Partial<Moved>): Moved {
  return {
    copied: a.copied + (b.copied ?? 0),
    adopted: a.adopted + (b.adopted ?? 0),
    adoptedBytes: a.adoptedBytes + (b.adoptedBytes ?? 0),
    failed: a.failed + (b.failed ?? 0),
    bytes: a.bytes + (b.bytes ?? 0),
    completed: a.completed + (b.completed ?? 0),
  }
}

/** Writes a tally; belongs to the end of the transaction that changed the rows. */
export function applyTally(db: Database, tally: Tally) {
  const { totals, minutes } = tally.entries()
  const upsertTotal = db.query(
    `insert into totals (name, count, bytes) values ($name, $count, $bytes)
     on conflict (name) do update set count = count + excluded.count, bytes = bytes + excluded.bytes`,
  )
  for (const [name, { count, bytes }] of totals) {
    if (count !== 0 || bytes !== 0) upsertTotal.run({ name, count, bytes })
  }
  // Nearly always one minute, and so one row of each: what is committed together happened together.
  for (const [minute, counts] of minutes) {
    db.query(upsertMoved("minutes", "minute")).run({ at: minute, ...counts })
    db.query(upsertMoved("hourly", "hour")).run({ at: minute.slice(0, HOUR), ...counts })
  }
}

function upsertMoved(table: "hourly" | "minutes", span: "hour" | "minute"): string {
  return `insert into ${table} (${span}, copied, adopted, adopted_bytes, failed, bytes, completed)
     values ($at, $copied, $adopted, $adoptedBytes, $failed, $bytes, $completed)
     on conflict (${span}) do update set copied = copied + excluded.copied, adopted = adopted + excluded.adopted,
       adopted_bytes = adopted_bytes + excluded.adopted_bytes, failed = failed + excluded.failed, bytes = bytes + excluded.bytes, completed = completed + excluded.completed`
}
