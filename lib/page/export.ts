import { openLedger } from "../ledger/open.ts"
import { writeFileWhole } from "../operate/manifest-output.ts"
import { requireLedger } from "../pipeline/deps.ts"
import { type Clock, systemClock } from "../support/clock.ts"
import { Html, html } from "../support/html.ts"
import type { Log } from "../support/log.ts"
import { bytes } from "../support/text.ts"
import { VERSION } from "../support/version.ts"
import { type Assets, loadAssets } from "./assets.ts"
import type { PageConfig, PageDeps, RenderContext } from "./page.ts"
import { moment } from "./parts/time.ts"
import { readCohort } from "./views/cohort/read.ts"
import { renderCohort } from "./views/cohort/render.ts"
import { readFailures } from "./views/failures/read.ts"
import { renderFailures } from "./views/failures/render.ts"
import { renderHistory } from "./views/history/history.ts"
import { readHistory } from "./views/history/read.ts"
import { readLocks } from "./views/locks/read.ts"
import { renderLocks } from "./views/locks/render.ts"
import { renderNow } from "./views/now/now.ts"
import { readNow } from "./views/now/read.ts"

/** A part of the file: a view as it is drawn where there is no server. */
interface ExportedView {
  readonly id: string
  readonly title: string
  readonly draw: (deps: PageDeps, context: RenderContext) => Html
}

const VIEWS: readonly ExportedView[] = [
  { id: "now", title: "Now", draw: (deps, context) => renderNow(readNow(deps), context) },
  {
    id: "failures",
    title: "Failures",
    draw: ({ ledger }, context) => renderFailures(readFailures(ledger), context),
  },
  {
    id: "cohort",
    title: "Cohort",
    draw: ({ ledger, config }, context) =>
      renderCohort(readCohort(ledger, undefined), config.ranking.cohortPin, context),
  },
  // What the others say of locks leads here.
  { id: "locks", title: "Locks", draw: ({ ledger }, context) => renderLocks(readLocks(ledger), context) },
  { id: "history", title: "History", draw: (deps, context) => renderHistory(readHistory(deps), context) },
]

export interface ExportStart {
  readonly config: PageConfig
  readonly log: Log
  readonly clock?: Clock
}

export interface ExportReport {
  readonly file: string
  readonly bytes: number
  readonly ledger_id: string
  readonly made_at: string
}

/**
 * Writes what the page shows of now, failures, cohort, locks and history into one file that a browser opens without a server: it
 * loads nothing, leads nowhere, and changes nothing. It appears when it is whole.
 * @throws UsageError there is no ledger, or the file cannot be written
 * @throws LedgerUnusable, PageUnbuildable
 */
export async function exportPage(
  { config, log, clock = systemClock }: ExportStart,
  file: string,
): Promise<ExportReport> {
  requireLedger(config.ledger.path)
  using ledger = openLedger(config.ledger.path, { readonly: true, clock })
  const { inline } = await loadAssets()
  const made = clock.now()
  const page = exportedDocument({ ledger, config, clock, log }, inline, made)
  const text = new TextEncoder().encode(page.text)
  await writeFileWhole(file, (output) => output.write(text))
  return { file, bytes: text.byteLength, ledger_id: ledger.id, made_at: made.toISOString() }
}

export function renderExported({ file, bytes: size }: ExportReport): string {
  return `${file}: now, failures, cohort, locks and history, ${bytes(size)}; it needs no server`
}

function exportedDocument(deps: PageDeps, { style, script }: Assets["inline"], made: Date): Html {
  const { ledger, config } = deps
  const { timezone } = config.schedule
  const context = { base: "", isStatic: true, timezone, now: made, csrf: undefined }
  const css = inlined(style, "\\3c ")
  const js = inlined(script, "\\x3c")
  const views = ledger.read(() =>
    VIEWS.map(
      (view) => html`<section id="${view.id}" aria-label="${view.title}">
<h1>${view.title}</h1>
${view.draw(deps, context)}
</section>`,
    ),
  )
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="content-security-policy" content="${policy(css, js)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Chest X-ray ETL, ${made.toISOString().slice(0, 10)}</title>
<style>${css}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="top">
<p class="name">Chest X-ray ETL</p>
<nav aria-label="Views"><ul>${VIEWS.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
</header>
<main id="main" class="exported" tabindex="-1">
<p class="note">Made ${moment(made.toISOString(), context)} from the ledger ${ledger.id}. Nothing here moves any more.</p>
${views}
</main>
<footer><p>Version ${VERSION} · times are of ${timezone} · nothing here names a patient</p></footer>
<script>${js}</script>
</body>
</html>`
}

/** What the file may do: run and look like what stands in it, and nothing else. */
function policy(style: Html, script: Html): string {
  return [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ")
}

function hashOf({ text }: Html): string {
  return `sha256-${new Bun.CryptoHasher("sha256").update(text).digest("base64")}`
}

/**
 * A script or style sheet of ours as it stands within its element: nothing in it ends the element or begins a comment, and
 * its lines end as a browser has them, which hashes what it has read (HTML, 13.2.3.5 and 13.2.5.15 to 13.2.5.31).
 * @param less how a string of its language has "<" otherwise
 */
function inlined(text: string, less: string): Html {
  const lines = text.replace(/\r\n?/g, "\n")
  return new Html(lines.replace(/<(?=\/(?:script|style)|!--)/gi, less))
}
