import type { Database } from "bun:sqlite"

/** `studies.{standing}`, `objects.{state}`, `complete`, `due`, `series.{state}`, `instances.{result}`. */
export type TotalName = string

/** Columns of the table `hourly`. */
export interface HourlyCounts {
  copied: number
  adopted: number
  failed: number
  bytes: number
}

/** Changes of totals, collected while rows change and written once per transaction. */
export class Tally {
  private readonly totals = new Map<TotalName, { count: number; bytes: number }>()
  private readonly hours = new Map<string, HourlyCounts>()

  add(name: TotalName, count: number, bytes = 0) {
    const sum = this.totals.get(name) ?? { count: 0, bytes: 0 }
    this.totals.set(name, { count: sum.count + count, bytes: sum.bytes + bytes })
  }

  /** @param at ISO time; its first 13 characters are the hour. */
  moved(at: string, counts: Partial<HourlyCounts>) {
    const hour = at.slice(0, 13)
    const sum = this.hours.get(hour) ?? { copied: 0, adopted: 0, failed: 0, bytes: 0 }
    this.hours.set(hour, {
      copied: sum.copied + (counts.copied ?? 0),
      adopted: sum.adopted + (counts.adopted ?? 0),
      failed: sum.failed + (counts.failed ?? 0),
      bytes: sum.bytes + (counts.bytes ?? 0),
    })
  }

  entries() {
    return { totals: this.totals, hours: this.hours }
  }
}

/** Writes a tally; belongs to the end of the transaction that changed the rows. */
export function applyTally(db: Database, tally: Tally) {
  const { totals, hours } = tally.entries()
  const upsertTotal = db.query(
    `insert into totals (name, count, bytes) values ($name, $count, $bytes)
     on conflict (name) do update set count = count + excluded.count, bytes = bytes + excluded.bytes`,
  )
  for (const [name, { count, bytes }] of totals) {
    if (count !== 0 || bytes !== 0) upsertTotal.run({ name, count, bytes })
  }
  const upsertHour = db.query(
    `insert into hourly (hour, copied, adopted, failed, bytes) values ($hour, $copied, $adopted, $failed, $bytes)
     on conflict (hour) do update set copied = copied + excluded.copied, adopted = adopted + excluded.adopted,
       failed = failed + excluded.failed, bytes = bytes + excluded.bytes`,
  )
  for (const [hour, counts] of hours) upsertHour.run({ hour, ...counts })
}
