import { type ByteView, type CODObject, describeRecord } from "../../cod/index.ts"
import { crc32c, crc32cToBase64 } from "../../support/checksums.ts"
import { writeOut } from "../manifest-output.ts"
import { withSeries } from "./open-series.ts"
import type { CodStart } from "./start.ts"
import { instanceTarget } from "./target.ts"

const PIECE_BYTES = 2 ** 20

/**
 * `cod cat URI#KEY`: the bytes of one DICOM file, or of one of its frames, on standard output and nothing else there.
 * The file is checked before its first byte is written. As JSON: what these bytes are.
 */
export async function cat(
  start: CodStart,
  [uri = ""]: readonly string[],
  { frame }: { readonly frame?: number | undefined },
): Promise<0> {
  const { place, key } = instanceTarget(uri)
  const signal = start.stop.requested
  await withSeries(place, start, async (series) => {
    await using view =
      frame === undefined
        ? await series.openInstance(key, signal)
        : await series.openFrame(key, frame, signal)
    if (start.json) await start.print(await documentOf(series, key, frame, view, signal), () => "")
    else {
      await writeOut(async ({ write }) => {
        for await (const piece of piecesOf(view, signal)) await write(piece)
      })
    }
  })
  return 0
}

async function documentOf(
  series: CODObject,
  key: string,
  frame: number | undefined,
  view: ByteView,
  signal: AbortSignal,
) {
  const { record } = await series.getInstance(key, signal)
  const { frames, syntax } = describeRecord(record!)
  const sha256 = new Bun.CryptoHasher("sha256")
  let checksum = 0
  for await (const piece of piecesOf(view, signal)) {
    checksum = crc32c(piece, checksum)
    sha256.update(piece)
  }
  return {
    uri: series.datastoreSeriesUri,
    key,
    frame: frame ?? null,
    frames,
    transfer_syntax: syntax,
    size: view.size,
    crc32c: crc32cToBase64(checksum),
    sha256: sha256.digest("hex"),
  }
}

async function* piecesOf(view: ByteView, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < view.size; at += PIECE_BYTES) {
    yield await view.range(at, Math.min(view.size, at + PIECE_BYTES), signal)
  }
}
