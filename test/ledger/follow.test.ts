import { expect, test } from "bun:test"
import { copyFileSync, renameSync, rmSync } from "node:fs"
import { followLedger } from "../../lib/ledger/follow.ts"
import { progressLines } from "../../lib/ledger/views.ts"
import { newRun, rows, testLedger } from "../support/ledger.ts"

const RUNS = "select count(*) as n from runs"

test("shows what is written meanwhile, and cannot write", () => {
  using bench = testLedger()
  using followed = followLedger(bench.path, bench)
  expect(followed.id).toBe(bench.ledger.id)
  newRun(bench.ledger)
  expect(rows(followed, RUNS)).toEqual([{ n: 2 }])
  expect(() => newRun(followed)).toThrow("the ledger cannot be written")
})

test("what is read as of one moment is of one file, also when another one comes in between", () => {
  using bench = testLedger()
  bench.ledger.db.run("pragma wal_checkpoint(truncate)")
  copyFileSync(bench.path, `${bench.path}.copy`)
  newRun(bench.ledger)
  using followed = followLedger(bench.path, bench)
  followed.read(() => {
    expect(rows(followed, RUNS)).toEqual([{ n: 2 }])
    renameSync(bench.path, `${bench.path}.old`)
    for (const part of ["-wal", "-shm"]) renameSync(`${bench.path}${part}`, `${bench.path}.old${part}`)
    renameSync(`${bench.path}.copy`, bench.path)
    expect(rows(followed, RUNS)).toEqual([{ n: 2 }])
    expect(progressLines(followed)).not.toEqual([])
  })
  expect(rows(followed, RUNS)).toEqual([{ n: 1 }])
})

test("without a file there is nothing to follow, now or later; it is found when it comes", () => {
  using bench = testLedger()
  expect(() => followLedger(bench.dir.file("other.sqlite"))).toThrow("there is no ledger at")
  bench.ledger.db.run("pragma wal_checkpoint(truncate)")
  copyFileSync(bench.path, `${bench.path}.copy`)
  using followed = followLedger(bench.path, bench)
  for (const part of ["", "-wal", "-shm"]) rmSync(`${bench.path}${part}`)
  expect(() => followed.db).toThrow("there is no ledger at")
  expect(() => followed.read(() => 0)).toThrow("there is no ledger at")
  renameSync(`${bench.path}.copy`, bench.path)
  expect(rows(followed, RUNS)).toEqual([{ n: 1 }])
})
