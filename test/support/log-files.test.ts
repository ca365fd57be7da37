import { expect, test } from "bun:test"
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { createLogger } from "../../lib/support/log.ts"
import { type DailyLog, dailyLog } from "../../lib/support/log-files.ts"
import { redactor } from "../../lib/support/redact.ts"
import { DAY, HOUR, testClock } from "./ledger.ts"
import { type TempDir, tempDir } from "./temp.ts"

function opened(dir: TempDir) {
  const clock = testClock("2026-03-01T22:30:00.000Z")
  const errors: unknown[] = []
  const folder = dir.file("logs")
  return { clock, errors, folder, log: dailyLog(folder, clock, (error) => errors.push(error)) }
}

const names = (folder: string) => readdirSync(folder).sort()

test("lines stand in the file of their day, in UTC, for their owner alone", () => {
  using dir = tempDir()
  const { clock, folder, log } = opened(dir)
  using files: DailyLog = log
  files.write("first\n")
  clock.advance(HOUR)
  files.write("second\n")
  clock.advance(HOUR)
  files.write("third\n")
  expect(names(folder)).toEqual(["2026-03-01.jsonl", "2026-03-02.jsonl"])
  expect(readFileSync(`${folder}/2026-03-01.jsonl`, "utf8")).toBe("first\nsecond\n")
  expect(readFileSync(`${folder}/2026-03-02.jsonl`, "utf8")).toBe("third\n")
  expect([folder, `${folder}/2026-03-01.jsonl`].map((path) => statSync(path).mode & 0o777)).toEqual([
    0o700, 0o600,
  ])
})

test("14 days are kept, and files of other names for ever", () => {
  using dir = tempDir()
  const { clock, folder, log } = opened(dir)
  using files: DailyLog = log
  mkdirSync(folder)
  writeFileSync(`${folder}/notes.txt`, "")
  for (let day = 0; day < 20; day += 1) {
    files.write("line\n")
    clock.advance(DAY)
  }
  expect(names(folder)).toHaveLength(15)
  expect(names(folder)[0]).toBe("2026-03-07.jsonl")
  expect(names(folder)[14]).toBe("notes.txt")
})

test("a second start on the same day goes on in the same file", () => {
  using dir = tempDir()
  for (const line of ["first\n", "second\n"]) {
    using files: DailyLog = opened(dir).log
    files.write(line)
  }
  expect(readFileSync(dir.file("logs", "2026-03-01.jsonl"), "utf8")).toBe("first\nsecond\n")
})

test("a folder that cannot be written is told of once a day and stops nothing", () => {
  using dir = tempDir()
  writeFileSync(dir.file("logs"), "a file where the folder should be")
  const { clock, errors, log } = opened(dir)
  using files: DailyLog = log
  files.write("first\n")
  files.write("second\n")
  expect(errors).toHaveLength(1)
  clock.advance(DAY)
  files.write("third\n")
  expect(errors).toHaveLength(2)
})

test.each([
  ["a terminal", { colors: false, moves: false }],
  ["no terminal", undefined],
])("the files hold JSON lines with %s too, without secrets", (_, terminal) => {
  using dir = tempDir()
  const { folder, log } = opened(dir)
  using files: DailyLog = log
  const shown: string[] = []
  const logger = createLogger({
    level: "INFO",
    redact: redactor(["hunter2"]),
    write: (text) => shown.push(text),
    also: (line) => files.write(line),
    terminal,
  })
  logger.child({ run: 7 }).warn({ study: "s" }, "hunter2 is slow")
  const kept = readFileSync(`${folder}/2026-03-01.jsonl`, "utf8")
  expect(JSON.parse(kept)).toMatchObject({ level: "WARNING", run: 7, study: "s", msg: "[hidden] is slow" })
  expect(shown).toHaveLength(1)
  expect(shown[0]).toContain(terminal === undefined ? '"level":"WARNING"' : "WARNING:")
})
