import { CODObjectNotFoundError, ErrorLogExistsError, type SeriesPlace, seriesUri } from "../../cod/index.ts"
import { lookFor } from "../../cod/reading/presence.ts"
import type { Series } from "../../cod/reading/series.ts"
import { seriesAt } from "../../cod/reading/series-at.ts"
import { clearErrorLog, readErrorLog, uploadErrorLog } from "../../cod/writing/error-log.ts"
import { UsageError } from "../../support/errors.ts"
import { safe } from "../../support/text.ts"
import { withStoreToWrite } from "./change-series.ts"
import { withStoreOf } from "./open-series.ts"
import type { CodStart } from "./start.ts"
import { seriesTarget } from "./target.ts"
import type { VerbOptions } from "./verb.ts"

type ErrorLogOptions = Pick<VerbOptions, "dryRun" | "clear" | "message">

/**
 * `cod error-log URI`: what is in doubt about a series, as somebody wrote it; `--clear` lets it be written again,
 * `--message TEXT` closes it. No lock is taken: one whose lock hangs has to be closed, too, and one whose metadata cannot be
 * read.
 */
export async function errorLog(
  start: CodStart,
  [uri = ""]: readonly string[],
  { dryRun, clear, message }: ErrorLogOptions,
): Promise<0> {
  const place = seriesTarget(uri)
  if (clear && message !== undefined) throw new UsageError("--clear and --message do not go together")
  if (message?.trim() === "") throw new UsageError("--message: expected a text that says what is in doubt")
  const { text, ...document } = clear
    ? await clearLog(place, start, dryRun)
    : message === undefined
      ? await showLog(place, start)
      : await writeLog(place, message, start, dryRun)
  await start.print({ uri: seriesUri(place), dry_run: dryRun, ...document }, () => text)
  return 0
}

interface Done {
  readonly changed: boolean
  /** As it was found. */
  readonly error_log: string | null
  /** For people. */
  readonly text: string
}

async function showLog(place: SeriesPlace, start: CodStart): Promise<Done> {
  const log = await withStoreOf(place, start, async (store) => {
    using opened = seriesAt(place, { store })
    return await logOf(opened.series, start.stop.requested)
  })
  const text = log === undefined ? `${nameOf(place)}: there is no error log` : linesOf(log)
  return { changed: false, error_log: log ?? null, text }
}

async function clearLog(place: SeriesPlace, start: CodStart, dryRun: boolean): Promise<Done> {
  const signal = start.stop.requested
  const log = await withStoreToWrite(place, start, async (store) => {
    using opened = seriesAt(place, { store })
    const log = await logOf(opened.series, signal)
    if (log !== undefined && !dryRun) await clearErrorLog(opened.series, store, signal)
    return log
  })
  if (log === undefined) {
    return { changed: false, error_log: null, text: `${nameOf(place)}: nothing to do, there is no error log` }
  }
  const done = dryRun ? "would be deleted; nothing was written" : "is deleted"
  return {
    changed: true,
    error_log: log,
    text: `${nameOf(place)}: the error log ${done}. It says:\n${linesOf(log)}`,
  }
}

async function writeLog(
  place: SeriesPlace,
  message: string,
  start: CodStart,
  dryRun: boolean,
): Promise<Done> {
  const signal = start.stop.requested
  await withStoreToWrite(place, start, async (store) => {
    using opened = seriesAt(place, { store })
    const { series } = opened
    if ((await logOf(series, signal)) !== undefined) throw new ErrorLogExistsError(series.uri)
    if (!dryRun) await uploadErrorLog(series, store, `${message}\n`, signal)
  })
  const done = dryRun
    ? "would have an error log; nothing was written"
    : "has an error log now; writers refuse it"
  return { changed: true, error_log: null, text: `${nameOf(place)} ${done}` }
}

/** @throws CODObjectNotFoundError where there is nothing at all: another place was meant */
async function logOf(series: Series, signal: AbortSignal): Promise<string | undefined> {
  const log = await readErrorLog(series, signal)
  if (log !== undefined) return log
  const objects = await Promise.all([lookFor(series.metadataJson, signal), lookFor(series.tar, signal)])
  if (objects.every((object) => object === undefined)) throw new CODObjectNotFoundError(series.uri)
  return undefined
}

function nameOf(place: SeriesPlace): string {
  return safe(seriesUri(place))
}

/** Somebody else's text: its lines stay lines, and nothing else of it moves the cursor. */
function linesOf(log: string): string {
  return log
    .trimEnd()
    .split("\n")
    .map((line) => safe(line.trimEnd()))
    .join("\n")
}
