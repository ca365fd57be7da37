import { type Answer, Refusal } from "./answer.ts"
import type { Call } from "./call.ts"
import { authorized } from "./gcs-auth.ts"
import { createObject } from "./gcs-create.ts"
import { gcsError, invalid } from "./gcs-errors.ts"
import { jsonAnswer } from "./gcs-json.ts"
import { parseMultipart } from "./gcs-multipart.ts"
import { preconditionsOf } from "./gcs-preconditions.ts"
import { objectResource } from "./gcs-resource.ts"
import { namedHashes, type ObjectSpec, objectName, parseSpec, type Upload } from "./gcs-spec.ts"
import type { World } from "./world.ts"

/** `uploadType=media` and `uploadType=multipart`. https://cloud.google.com/storage/docs/uploading-objects */
export async function insertObject(world: World, call: Call): Promise<Answer> {
  const { bucket, principal } = authorized(world, call, "storage.objects.create")
  const body = await call.body.whole()
  const parts = partsOf(call, body)
  const upload: Upload = {
    bucket: bucket.name,
    key: objectName(call.url.searchParams, parts.spec),
    spec: parts.spec,
    preconditions: preconditionsOf(call.url.searchParams),
    principal,
    contentType: parts.contentType,
  }
  const hashes = namedHashes(call.request.headers.get("x-goog-hash"))
  const stored = createObject(world, upload, [parts.media], hashes, call.outcome)
  return jsonAnswer(call, objectResource(stored, call.url.origin))
}

interface Parts {
  readonly spec: ObjectSpec
  readonly media: Uint8Array
  readonly contentType: string | undefined
}

function partsOf(call: Call, body: Uint8Array): Parts {
  const contentType = call.request.headers.get("content-type") ?? undefined
  const uploadType = call.url.searchParams.get("uploadType")
  if (uploadType === "media") {
    const contentEncoding = call.url.searchParams.get("contentEncoding")
    return { spec: contentEncoding === null ? {} : { contentEncoding }, media: body, contentType }
  }
  if (uploadType !== "multipart")
    throw new Refusal(gcsError(400, "badRequest", `Bad uploadType ${uploadType}`))
  const { metadata, media, mediaType } = parseMultipart(contentType ?? "", body)
  if (metadata.byteLength === 0) throw invalid("Missing object resource in the first part.")
  return { spec: parseSpec(metadata), media, contentType: mediaType }
}
