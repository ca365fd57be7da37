import { renderIngest, renderIngestPreview } from "../lib/operate/ingest-render.ts"
import { INGEST_PARTS, withIngestDeps, withLedger } from "../lib/pipeline/deps.ts"
import { ingestStudies } from "../lib/pipeline/ingest/ingest.ts"
import { previewIngest } from "../lib/pipeline/ingest/preview.ts"
import { THUMBNAIL_OPTIONS, withThumbnailOptions } from "../lib/pipeline/ingest/thumbnail-options.ts"
import { flag, main, option, positiveInteger, uuid } from "../lib/support/cli.ts"

await main(
  {
    name: "ingest",
    summary: "Packs what was copied as Cloud Optimized DICOM: each series one object of COD_DATASTORE_URI.",
    example: "--limit 100",
    arguments: { name: "STUDY_ID", description: "exactly these studies", parse: uuid },
    options: {
      limit: option("N", positiveInteger, "only the N studies with the newest signed report"),
      concurrency: option("N", positiveInteger, "series that are packed at a time (INGEST_CONCURRENCY)"),
      ...THUMBNAIL_OPTIONS,
      retryFailed: flag("also what was given up: unreadable files, conflicts, failed series and thumbnails"),
      deleteCopies: flag("afterwards delete raw copies whose bytes are proven to be in their series"),
    },
    config: [...INGEST_PARTS],
    changes: true,
  },
  async (start) => {
    const { args: studyIds, options, stop } = start
    const config = withThumbnailOptions(start.config, options)
    // Who asks for a few studies is not to wait for the thumbnails of all others.
    const draw = options.limit === undefined ? "missing" : "due"
    if (start.dryRun) {
      return await withLedger(start, async (ledger) => {
        const isDrawn = config.ingest.thumbnailConcurrency > 0
        const preview = previewIngest(ledger, { ...options, studyIds, draw: isDrawn ? draw : undefined })
        await start.print(preview, renderIngestPreview)
        return 0
      })
    }
    const concurrency = options.concurrency ?? config.ingest.concurrency
    const ingest = { ...config.ingest, concurrency }
    return await withIngestDeps({ ...start, config: { ...config, ingest } }, async (deps) => {
      const listing = start.json ? "all" : "not-complete"
      const report = await ingestStudies(deps, { ...options, studyIds, listing, draw }, stop)
      await start.print(report, renderIngest)
      const { totals, copies } = report
      const failed = totals.failed + (copies?.failed.length ?? 0)
      const counts = { ...totals, copies_deleted: copies?.deleted ?? 0 }
      return { outcome: failed > 0 ? 1 : 0, counts }
    })
  },
)
