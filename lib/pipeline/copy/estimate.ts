import type { Ledger } from "../../ledger/open.ts"
import { dueWork, lastThroughput, type Throughput, type Work } from "../../ledger/work.ts"
import { bytes, duration, plural } from "../../support/text.ts"

/** What a copy is held to and what it costs. */
export interface Terms {
  /** All bodies of the origin together bring no more than this. */
  readonly bytesPerSecond?: number | undefined
  /** Of 1,000,000,000 bytes that leave the origin. */
  readonly egressUsdPerGb?: number | undefined
}

/** What there is to copy, and what that takes, as far as one can tell before. */
export interface Estimate extends Work {
  /** At the throughput of the last runs and under the limit; null before the first run. */
  readonly expected_seconds: number | null
  /** Null without a price. */
  readonly egress_usd: number | null
}

/** What a copy of these studies would find to do now, or one of all studies. */
export function estimateCopy(ledger: Ledger, terms: Terms, studyIds?: readonly string[]): Estimate {
  return estimateOf(ledger, terms, dueWork(ledger, studyIds))
}

/** What this work takes. */
export function estimateOf(ledger: Ledger, terms: Terms, work: Work): Estimate {
  const { egressUsdPerGb } = terms
  const throughput = lastThroughput(ledger)
  return {
    ...work,
    expected_seconds: throughput === undefined ? null : round(secondsFor(work, throughput, terms), 1),
    egress_usd: egressUsdPerGb === undefined ? null : round((work.expected_bytes / 1e9) * egressUsdPerGb, 2),
  }
}

/** Small objects take their time by their number, large ones by their bytes. */
function secondsFor({ objects, expected_bytes }: Work, last: Throughput, { bytesPerSecond }: Terms): number {
  const rate = Math.min(last.bytesPerSecond, bytesPerSecond ?? Number.POSITIVE_INFINITY)
  return Math.max(objects / last.objectsPerSecond, expected_bytes / rate)
}

/** `24 studies, 89 objects, 14 MB; about 12.0 s, going by the last runs; about 0.13 USD of egress`. */
export function describeEstimate(estimate: Estimate): string {
  const { studies, objects, expected_bytes, unknown_sizes, expected_seconds, egress_usd } = estimate
  if (studies === 0) return "nothing"
  const unknown = unknown_sizes > 0 ? ` and ${plural(unknown_sizes, "image")} of unknown size` : ""
  return [
    `${plural(studies, "study", "studies")}, ${plural(objects, "object")}, ${bytes(expected_bytes)}${unknown}`,
    ...(expected_seconds === null
      ? []
      : [`about ${duration(expected_seconds * 1000)}, going by the last runs`]),
    ...(egress_usd === null ? [] : [`${dollars(egress_usd)} of egress`]),
  ].join("; ")
}

function dollars(usd: number): string {
  return usd < 0.01 ? "less than 0.01 USD" : `about ${usd.toFixed(2)} USD`
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
