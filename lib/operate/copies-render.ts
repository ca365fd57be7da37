import type { DeletedCopies } from "../pipeline/ingest/delete-copies.ts"
import { bytes, plural, safe, table } from "../support/text.ts"

/** What became of raw copies that were to be deleted. */
export function renderDeletedCopies(copies: DeletedCopies): string {
  const { deleted, missing, kept, failed, held_by_others: held, receipts } = copies
  return [
    ...(kept.length > 0
      ? [
          table(
            ["copy that stays", "because"],
            kept.map(({ key, why }) => [safe(key), safe(why)]),
          ),
        ]
      : []),
    ...failed.map(({ series, error }) => `copies stay: ${safe(series)}: ${safe(error)}`),
    `${plural(deleted, "raw copy", "raw copies")} deleted, ${bytes(copies.bytes)}` +
      (missing > 0 ? `; ${plural(missing, "was", "were")} not there any more` : ""),
    ...(receipts > 0 ? [`${plural(receipts, "receipt")} written again`] : []),
    ...(held > 0 ? [`${plural(held, "series", "series")} left out: another run works on them`] : []),
  ].join("\n")
}
