import { type Clock, systemClock } from "../support/clock.ts"
import type { Report } from "../support/sentry.ts"
import { type OpenPage, openPage, type PageStart } from "./open-page.ts"

export interface BesideStart extends PageStart {
  readonly report: Report
  /** By which it waits. */
  readonly clock?: Clock
}

/** What took the port may go. */
const AGAIN_MS = 60_000

/**
 * The page in the process of other work, which it never ends nor keeps waiting: one that cannot be opened is told once,
 * and tried again every minute.
 */
export async function pageBeside(start: BesideStart): Promise<AsyncDisposable> {
  const closing = new AbortController()
  const first = await tryToOpen(start, "first")
  const opened = first === undefined ? openLater(start, closing.signal) : Promise.resolve(first)
  return {
    async [Symbol.asyncDispose]() {
      closing.abort()
      await (await opened)?.[Symbol.asyncDispose]()
    },
  }
}

async function openLater(start: BesideStart, signal: AbortSignal): Promise<OpenPage | undefined> {
  const { clock = systemClock } = start
  for (;;) {
    await clock.delay(AGAIN_MS, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
    if (signal.aborted) return undefined
    const page = await tryToOpen(start, "again")
    if (page !== undefined) return page
  }
}

async function tryToOpen(start: BesideStart, time: "first" | "again"): Promise<OpenPage | undefined> {
  const { log, report } = start
  try {
    const page = await openPage(start)
    log.info({ url: page.url, flowerUrl: page.flowerUrl }, "the page is there")
    return page
  } catch (error) {
    if (time === "again") return undefined
    log.error(
      { err: error },
      "the page cannot be shown; everything else goes on, and it is tried every minute",
    )
    await report(error)
    return undefined
  }
}
