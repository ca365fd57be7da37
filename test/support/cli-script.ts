import { flag, main, option, percentage, positiveInteger, uuid } from "../../lib/support/cli.ts"
import { delay } from "../../lib/support/clock.ts"
import { AppError, HeldByAnother } from "../../lib/support/errors.ts"

// A script as those in scripts/, for the tests of what all of them share. `--do` says how it behaves.
await main(
  {
    name: "example",
    summary: "Does what the tests of all scripts need.",
    example: "--limit 10",
    changes: true,
    config: ["copy"],
    arguments: { name: "STUDY_ID", description: "these studies only", parse: uuid },
    options: {
      limit: option("N", positiveInteger, "at most N studies"),
      sample: option("P", percentage, "P percent of them"),
      retryFailed: flag("those that failed, too"),
      out: option("FILE", String, "write it there", { short: "o" }),
      do: option("WHAT", String, "how to behave"),
    },
  },
  async ({ args, options, dryRun, config, log, stop, print, progress }) => {
    progress.start(1, "studies")
    log.info({ password: "by field" }, "begun")
    switch (options.do) {
      case "fail":
        throw new AppError("cannot\x1b[2J copy", {
          verdict: "retry",
          facts: { key: "a\nb" },
          cause: new Error(`at postgres://u:${process.env.SOURCE_DATABASE_PASS}@h/d`),
        })
      case "stop":
        throw new AppError("the disk failed", { verdict: "stop" })
      case "held":
        throw new HeldByAnother("somebody else has it")
      case "defect":
        setTimeout(() => {
          throw new TypeError("a defect")
        }, 0)
        await delay(60_000)
        break
      case "wait":
        log.info("waiting")
        await delay(60_000, stop.requested)
        break
      case "finish":
        log.info("waiting")
        await delay(60_000, stop.requested).catch(() => log.info("finishing"))
        break
      case "watch":
        while (!stop.requested.aborted) {
          await print({}, () => "again ".repeat(10_000))
          await delay(1)
        }
        break
      case "ignore":
        log.info("waiting")
        stop.requested.addEventListener("abort", () => log.info("asked to stop"))
        await delay(60_000)
        break
    }
    progress.stop()
    const { concurrency } = config.copy
    const filler = options.do === "long" ? "x".repeat(2_000_000) : undefined
    await print({ args, ...options, dryRun, concurrency, filler }, () => `done ${filler ?? ""}`)
    return options.do === "partly" ? 1 : 0
  },
)
