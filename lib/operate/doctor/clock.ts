import { duration } from "../../support/text.ts"
import { fault, ok, type Result, unknown } from "./finding.ts"

/**
 * A minute: signatures and tokens are refused when they are 5 (Google) or 15 minutes (Amazon) off, and long before that
 * the times in the ledger and those of the objects tell different stories.
 */
const LARGEST_SKEW_MS = 60_000

/** @param skewMs how far the other clock is ahead of this machine's */
export function clockResult(whose: string, skewMs: number): Result {
  // An HTTP date has whole seconds: what is less is no skew.
  if (Math.abs(skewMs) < 1500) return ok("as this machine's")
  const told = `this machine is ${duration(Math.abs(skewMs))} ${skewMs > 0 ? "behind" : "ahead of"} ${whose}`
  if (Math.abs(skewMs) < LARGEST_SKEW_MS) return ok(told)
  return fault(
    told,
    `Set this machine's clock (timedatectl set-ntp true); if it is right, that of ${whose} is wrong.`,
  )
}

/** By the `Date` of whatever answer comes: it needs no right, and an error has one too (RFC 9110, section 6.6.1). */
export async function checkClock(whose: string, url: string, signal: AbortSignal): Promise<Result> {
  const askedAt = Date.now()
  const answer = await fetch(url, { redirect: "manual", signal }).catch(() => undefined)
  const answeredAt = Date.now()
  await answer?.body?.cancel()
  const date = Date.parse(answer?.headers.get("date") ?? "")
  if (Number.isNaN(date)) return unknown(`${url} did not tell the time`)
  // On average half of the second is over that an HTTP date leaves out.
  return clockResult(whose, date + 500 - (askedAt + answeredAt) / 2)
}
