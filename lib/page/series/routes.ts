import type { PageRequest, Route } from "../page.ts"
import { plain } from "../respond.ts"
import { harmlessTags } from "./harmless-tags.ts"
import { CACHED, etagOf, isKnown, type Media, mediaResponse, notModified } from "./media.ts"
import { NotShown } from "./not-shown.ts"
import type { OpenSeries } from "./open-series.ts"
import { placeholder } from "./placeholder.ts"
import type { ReadKind } from "./reader.ts"
import { storedThumbnail } from "./thumbnail.ts"
import { frameOf, recordOf, seriesNoOf } from "./which.ts"

/** Pictures and tags of series. A series is named by its number in the ledger: there is no way to ask for another. */
export const SERIES_ROUTES: readonly Route[] = [
  route("/series/:seriesNo/thumbnail", thumbnail),
  route("/series/:seriesNo/instances/:n/frames/:f", frame),
  route("/series/:seriesNo/instances/:n/tags", tags),
]

function route(path: Route["path"], handle: Route["handle"]): Route {
  return { path, method: "GET", admits: "session", handle }
}

/** The thumbnail as it is stored, JPEG or MP4; with `?still=1` always as JPEG. */
function thumbnail(request: PageRequest): Promise<Response> {
  const { query, series } = request
  const isStill = query.get("still") === "1"
  return picture(request, "glance", (open, signal) =>
    isStill ? series.stills.of(open, signal) : storedThumbnail(open, signal),
  )
}

/** A frame as JPEG, `?size=` pixels on its long side, `?window=` in another window than its own. */
async function frame(request: PageRequest): Promise<Response> {
  const { params, query, series } = request
  return await picture(request, "pixels", async (open, signal) => {
    const wanted = frameOf(params, query)
    const { record } = await recordOf(open, params.n ?? "", signal)
    return await series.frames.draw(open, { ...wanted, record }, signal)
  })
}

async function picture(
  request: PageRequest,
  kind: ReadKind,
  draw: (series: OpenSeries, signal: AbortSignal) => Promise<Media>,
): Promise<Response> {
  try {
    return await request.series.read(
      seriesNoOf(request.params),
      kind,
      async (open, signal) => {
        const etag = etagOf(open.generation)
        if (isKnown(request.request, etag)) return notModified(etag)
        return mediaResponse(request.request, await draw(open, signal), etag)
      },
      request.signal,
    )
  } catch (error) {
    return refused(request, error, placeholder)
  }
}

/** What the header of an image says that is not personal, as JSON. */
async function tags(request: PageRequest): Promise<Response> {
  const { params, series } = request
  try {
    return await series.read(
      seriesNoOf(params),
      "glance",
      async (open, signal) => {
        const { record } = await recordOf(open, params.n ?? "", signal)
        const headers = { ...CACHED, etag: etagOf(open.generation) }
        return Response.json({ tags: harmlessTags(record) }, { headers })
      },
      request.signal,
    )
  } catch (error) {
    return refused(request, error, ({ message, status }) => plain(message, status))
  }
}

/** Nobody waits for the answer to a request that went away. */
function refused({ signal }: PageRequest, error: unknown, answer: (why: NotShown) => Response): Response {
  if (error instanceof NotShown) return answer(error)
  if (signal.aborted) return answer(new NotShown("Nobody waits for this any more.", 503, error))
  throw error
}
