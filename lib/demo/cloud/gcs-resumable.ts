import { type Answer, Refusal } from "./answer.ts"
import type { Call } from "./call.ts"
import { authorized } from "./gcs-auth.ts"
import { type ChunkRange, parseContentRange } from "./gcs-content-range.ts"
import { createObject } from "./gcs-create.ts"
import { gcsError, gcsErrorOfStatus, invalid, noSuchBucket } from "./gcs-errors.ts"
import { jsonAnswer } from "./gcs-json.ts"
import { preconditionsOf, requireHolds } from "./gcs-preconditions.ts"
import { objectResource } from "./gcs-resource.ts"
import type { Session } from "./gcs-sessions.ts"
import { namedHashes, objectName, parseSpec } from "./gcs-spec.ts"
import { BrokenOff } from "./incoming.ts"
import type { World } from "./world.ts"

/** Every chunk but the last is a multiple of this. */
const CHUNK_UNIT = 256 * 1024

/**
 * Opens a session. The precondition is looked at now, so that a hopeless upload does not start, and again
 * when the object would become visible. https://cloud.google.com/storage/docs/performing-resumable-uploads
 */
export async function openSession(world: World, call: Call): Promise<Answer> {
  const { bucket, principal } = authorized(world, call, "storage.objects.create")
  const { headers } = call.request
  const spec = parseSpec(await call.body.whole())
  const upload = {
    bucket: bucket.name,
    key: objectName(call.url.searchParams, spec),
    spec,
    preconditions: preconditionsOf(call.url.searchParams),
    principal,
    contentType: headers.get("x-upload-content-type") ?? undefined,
  }
  requireHolds(upload.preconditions, bucket.get(upload.key))
  const session = world.sessions.open(upload, declaredLength(headers.get("x-upload-content-length")))
  const location = new URL(call.url)
  location.searchParams.set("upload_id", session.id)
  return { status: 200, headers: { location: location.href, "x-guploader-uploadid": session.id } }
}

/** `PUT` to a session: a chunk, the whole object, or a question how far it is. */
export async function writeSession(world: World, call: Call): Promise<Answer> {
  const session = sessionOf(world, call)
  const range = parseContentRange(call.request.headers.get("content-range"))
  if (session.result !== undefined) {
    await call.body.arrived()
    return jsonAnswer(call, objectResource(session.result, call.url.origin))
  }
  requireOpen(session)
  agreeOnTotal(session, range.total)
  if (range.kind === "query") {
    await call.body.whole()
    return session.total === session.persistedBytes ? finish(world, call, session) : incomplete(session)
  }
  return receiveChunk(world, call, session, range)
}

/** Answers 499, as documented; the session can not be used again. */
export function cancelSession(world: World, call: Call): Answer {
  const session = sessionOf(world, call)
  if (session.state === "open") session.state = "cancelled"
  session.persisted.length = 0
  return { status: 499, headers: {} }
}

async function receiveChunk(world: World, call: Call, session: Session, range: ChunkRange): Promise<Answer> {
  if (range.start > session.persistedBytes) throw gap(range.start, session.persistedBytes)
  const { bytes, complete } = await call.body.arrived()
  // Another request may have finished, cancelled or advanced the session while this one's bytes came in.
  requireOpen(session)
  const isLast = complete && endsObject(session, range, bytes.byteLength)
  if (complete) requireLength(range, bytes.byteLength, isLast)
  persist(session, range.start, bytes, isLast)
  if (!complete) throw new BrokenOff()
  return isLast ? finish(world, call, session) : incomplete(session)
}

function endsObject(session: Session, range: ChunkRange, length: number): boolean {
  if (range.kind === "all") {
    agreeOnTotal(session, length)
    return true
  }
  return session.total === range.end
}

function requireLength(range: ChunkRange, length: number, isLast: boolean) {
  if (range.kind === "chunk" && range.end - range.start !== length) {
    throw invalid(
      `Invalid request.  There were ${length} byte(s) in the request body.  There should have been ` +
        `${range.end - range.start} byte(s) (starting at offset ${range.start}) according to the Content-Range header.`,
    )
  }
  if (isLast || length >= CHUNK_UNIT) return
  throw invalid(
    `Invalid request.  The number of bytes uploaded is required to be equal or greater than ${CHUNK_UNIT}, except ` +
      `for the final request (it's recommended to be the exact multiple of ${CHUNK_UNIT}).  The received request ` +
      `contained ${length} bytes, which does not meet this requirement.`,
  )
}

/** Keeps what is new of a chunk; of one that is not the last, only whole units. */
function persist(session: Session, start: number, bytes: Uint8Array, isLast: boolean) {
  const fresh = bytes.subarray(Math.max(0, session.persistedBytes - start))
  const length = isLast ? fresh.byteLength : fresh.byteLength - (fresh.byteLength % CHUNK_UNIT)
  if (length === 0) return
  session.persisted.push(fresh.subarray(0, length))
  session.persistedBytes += length
}

function finish(world: World, call: Call, session: Session): Answer {
  const hashes = namedHashes(call.request.headers.get("x-goog-hash"))
  session.state = "failed"
  session.result = createObject(world, session.upload, session.persisted.splice(0), hashes, call.outcome)
  session.state = "done"
  return jsonAnswer(call, objectResource(session.result, call.url.origin))
}

/** 308 tells how much is there; without a Range header, nothing. */
function incomplete(session: Session): Answer {
  const headers: Record<string, string> = { "x-guploader-uploadid": session.id }
  if (session.persistedBytes > 0) headers.range = `bytes=0-${session.persistedBytes - 1}`
  return { status: 308, headers }
}

function sessionOf(world: World, call: Call): Session {
  if (world.buckets.find(call.bucket!) === undefined) throw noSuchBucket()
  const session = world.sessions.find(call.url.searchParams.get("upload_id") ?? "")
  if (session === undefined || session.upload.bucket !== call.bucket) {
    throw new Refusal(gcsError(404, "notFound", "No such upload session."))
  }
  return session
}

function requireOpen(session: Session) {
  if (session.state !== "open") throw new Refusal(gcsErrorOfStatus(410))
}

function agreeOnTotal(session: Session, total: number | undefined) {
  if (total === undefined) return
  const known = session.total ?? Math.max(total, session.persistedBytes)
  if (known !== total) {
    throw invalid(`Invalid request.  The object's size is ${known} byte(s), the request says ${total}.`)
  }
  session.total = total
}

/** The service sends this one as plain text, with 503 though trying again can not help. */
function gap(start: number, persisted: number): Refusal {
  return new Refusal({
    status: 503,
    headers: { "content-type": "text/plain; charset=utf-8" },
    body:
      `Invalid request.  According to the Content-Range header, the upload offset is ${start} byte(s), ` +
      `which exceeds already uploaded size of ${persisted} byte(s).`,
  })
}

function declaredLength(header: string | null): number | undefined {
  if (header === null) return undefined
  if (!/^\d+$/.test(header)) throw invalid(`Invalid value for: X-Upload-Content-Length: ${header}`)
  return Number(header)
}
