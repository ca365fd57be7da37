import type { Ledger } from "../open.ts"

/** What is expected at a key. */
export interface ExpectedObject {
  readonly key: string
  readonly seriesNo: number
  /** Null: any will do. */
  readonly generation: string | null
}

/** Objects that should stand in a datastore, to be ticked off as they are listed. */
export interface ExpectedObjects extends Disposable {
  expect(objects: readonly ExpectedObject[]): void
  /** Ticks one off; one of another generation makes its series suspect. Keys that nobody expects are passed over. */
  found(key: string, generation: string): void
  /** Series of which something was not found, or is another generation. */
  suspects(): Generator<number, void, void>
}

/**
 * A list of expected objects, in a temporary table: there may be millions, and a listing comes in the order of paths, which
 * is none of the ledger's where UIDs are hashed. One at a time.
 */
export function expectedObjects({ db }: Ledger): ExpectedObjects {
  db.run("drop table if exists temp.expected_objects")
  db.run(`create table temp.expected_objects (key text primary key, series_no integer not null, generation text)
    strict, without rowid`)
  db.run("drop table if exists temp.suspects")
  db.run("create table temp.suspects (series_no integer primary key) strict")
  const insert = db.query("insert or ignore into temp.expected_objects values ($key, $seriesNo, $generation)")
  const take = db.query<Omit<ExpectedObject, "key">, { key: string }>(
    "delete from temp.expected_objects where key = $key returning series_no as seriesNo, generation",
  )
  const suspect = db.query("insert or ignore into temp.suspects values ($seriesNo)")
  return {
    expect: db.transaction((objects: readonly ExpectedObject[]) => {
      for (const object of objects) insert.run({ ...object })
    }),
    found(key, generation) {
      const expected = take.get({ key })
      if (expected === null || expected.generation === null || expected.generation === generation) return
      suspect.run({ seriesNo: expected.seriesNo })
    },
    *suspects() {
      db.run("insert or ignore into temp.suspects select series_no from temp.expected_objects")
      const page = db.query<{ seriesNo: number }, { after: number }>(
        "select series_no as seriesNo from temp.suspects where series_no > $after order by series_no limit 500",
      )
      for (let after = 0; ; ) {
        const found = page.all({ after })
        for (const { seriesNo } of found) yield seriesNo
        const last = found.at(-1)
        if (last === undefined) return
        after = last.seriesNo
      }
    },
    [Symbol.dispose]() {
      db.run("drop table if exists temp.expected_objects")
      db.run("drop table if exists temp.suspects")
    },
  }
}
