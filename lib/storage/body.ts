import { PreconditionFailed, RequestRefused, type StorageError } from "./errors.ts"
import { type Asked, describe } from "./failures.ts"
import { answerOf, type HttpAnswer, type HttpRequest, send } from "./http.ts"
import { untilSilent } from "./patience.ts"
import { rangeHeader } from "./ranges.ts"
import type { ObjectBody, ObjectInfo, ReadOptions } from "./store.ts"

/** How a service tells of an object in the headers of its bytes, and of a failure. */
export interface Dialect {
  readonly infoOf: (headers: Headers) => ObjectInfo
  readonly failureOf: (answer: HttpAnswer) => StorageError
}

/**
 * Asks for an object's bytes, and makes sure that they are those that were asked for: some services that speak S3 or GCS
 * ignore ranges or preconditions. The answer must begin within `stallMs`; how long its body takes is the reader's matter.
 * @throws PreconditionFailed, RequestRefused, Unavailable, and whatever `failureOf` makes of the service's refusal
 */
export async function requestBody(
  asked: Asked,
  request: HttpRequest,
  wanted: ReadOptions,
  { infoOf, failureOf }: Dialect,
  stallMs: number,
  signal?: AbortSignal,
): Promise<ObjectBody> {
  using patience = untilSilent(asked, stallMs)
  // The caller's may end the body, too, which is read for as long as nobody here will know.
  const linked = signal === undefined ? patience.signal : AbortSignal.any([signal, patience.signal])
  const response = await send(asked, request, linked)
  if (!response.ok) throw failureOf(await answerOf(asked, response, linked))
  const stream = response.body ?? emptyStream()
  try {
    const info = infoOf(response.headers)
    requireWanted(asked, response, info, wanted)
    return { info, stream }
  } catch (error) {
    await stream.cancel()
    throw error
  }
}

function requireWanted(
  asked: Asked,
  response: Response,
  info: ObjectInfo,
  { range, ifGeneration }: ReadOptions,
) {
  const facts = { store: asked.store, key: asked.key, generation: info.generation }
  if (ifGeneration !== undefined && info.generation !== ifGeneration) {
    throw new PreconditionFailed(`${describe(asked)}: the object is another generation`, facts)
  }
  if (rangeHeader(asked, range) !== undefined && response.status !== 206) {
    throw new RequestRefused(`${describe(asked)}: the service ignores byte ranges`, facts)
  }
}

function emptyStream(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.close() })
}
