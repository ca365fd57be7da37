import { type IngestParts, requireLedger, withIngestDeps, withLedger } from "../../pipeline/deps.ts"
import { datastoreUri, placesForReceipts } from "../../pipeline/ingest/open.ts"
import { settleLocks } from "../../pipeline/ingest/settle-locks.ts"
import { type Start, storeOptions } from "../../pipeline/start.ts"
import { openSource } from "../../storage/open.ts"
import type { Context, Outcome } from "../../support/cli.ts"
import { UsageError } from "../../support/errors.ts"
import { safe } from "../../support/text.ts"
import { checkLocks } from "./check.ts"
import { foreignLines, type LocksView, ownLines } from "./lines.ts"
import { releaseLocks, releasePreview } from "./release.ts"
import { renderAdopted, renderCheck, renderList, renderReleased } from "./render.ts"

/** What the script was started with; the context of `main` is one. */
export type LocksStart = Start<IngestParts> & Pick<Context<IngestParts, never, never>, "print">

export interface LocksOptions {
  readonly all: boolean
  readonly generation: string | undefined
  readonly why: string | undefined
}

const VERBS = { list, check, release, adopt }

/** Does what the words say. @throws UsageError */
export async function runLocks(
  start: LocksStart,
  words: readonly string[],
  options: LocksOptions,
): Promise<Outcome> {
  const [verb = "", ...rest] = words
  if (!Object.hasOwn(VERBS, verb)) {
    throw new UsageError(
      verb === "" ? "no verb was given" : `"${safe(verb)}" is no verb`,
      `Expected one of ${Object.keys(VERBS).join(", ")}.`,
    )
  }
  if (verb !== "release" && rest.length > 0)
    throw new UsageError(`${verb} takes no more words, not "${safe(rest.join(" "))}"`)
  requireLedger(start.config.ledger.path)
  return await VERBS[verb as keyof typeof VERBS](start, rest, options)
}

async function list(start: LocksStart): Promise<Outcome> {
  return await looking(start, async (view) => {
    const lines = [...ownLines(view.ledger), ...(await foreignLines(view, start.stop.requested))]
    await start.print({ locks: lines }, () => renderList(lines))
    return 0
  })
}

async function check(start: LocksStart, _: readonly string[], { all }: LocksOptions): Promise<Outcome> {
  return await looking(start, async (view) => {
    const report = await checkLocks(view, { all }, start.stop.requested)
    await start.print(report, renderCheck)
    return report.faults > 0 ? 1 : 0
  })
}

async function release(
  start: LocksStart,
  [uri, ...more]: readonly string[],
  { why, generation }: LocksOptions,
): Promise<Outcome> {
  if (uri === undefined || more.length > 0)
    throw new UsageError("release takes one SERIES_URI", "bun run locks list tells which there are.")
  if (why === undefined || why.trim() === "")
    throw new UsageError("release needs --why TEXT, for the ledger and the log")
  const request = { seriesUri: uri.replace(/\/+$/, ""), why, generation }
  const signal = start.stop.requested
  const print = async (work: Promise<Awaited<ReturnType<typeof releaseLocks>>>) => {
    const released = await work
    const document = { ...released, dry_run: start.dryRun }
    await start.print(document, () => renderReleased(released, start.dryRun))
  }
  if (start.dryRun) {
    return await looking(start, async (view) => {
      await print(releasePreview(view, request, signal))
      return 0
    })
  }
  return await withIngestDeps(start, async (deps) => {
    const places = placesForReceipts(deps.ledger, start.config)
    await print(releaseLocks({ ...deps, store: deps.datastore, places }, request, signal))
    return { outcome: 0, counts: { locks_released: 1 } }
  })
}

async function adopt(start: LocksStart): Promise<Outcome> {
  if (start.dryRun) {
    return await looking(start, async ({ ledger }) => {
      const lines = ownLines(ledger).filter(({ state }) => state === "unfinished")
      await start.print({ dry_run: true, locks: lines }, () => renderList(lines))
      return 0
    })
  }
  return await withIngestDeps(start, async (deps) => {
    const settled = await settleLocks(deps, start.stop.requested)
    const failed = settled.filter(({ outcome }) => outcome === "failed").length
    const document = settled.map(({ seriesUri, token, outcome }) => ({
      series_uri: seriesUri,
      token,
      outcome,
    }))
    await start.print({ dry_run: false, locks: document }, () => renderAdopted(settled))
    return { outcome: failed > 0 ? 1 : 0, counts: { locks_settled: settled.length - failed } }
  })
}

/** Opens what is looked at, and changes nothing. */
async function looking(start: LocksStart, work: (view: LocksView) => Promise<Outcome>): Promise<Outcome> {
  return await withLedger(start, async (ledger) => {
    const places = placesForReceipts(ledger, start.config)
    using store = openSource(datastoreUri(start.config), storeOptions(start))
    return await work({ ledger, store, places })
  })
}
