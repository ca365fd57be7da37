import { PreconditionFailed, RequestRefused } from "./errors.ts"
import { type Asked, describe } from "./failures.ts"
import { rangeHeader } from "./ranges.ts"
import type { ObjectBody, ObjectInfo, ReadOptions } from "./store.ts"

/**
 * The body of a successful answer, unless it is another one than was asked for: some services that speak S3 or GCS
 * ignore ranges or preconditions, and then other bytes would be taken for the wanted ones.
 * @throws PreconditionFailed, RequestRefused
 */
export async function wantedBody(
  asked: Asked,
  response: Response,
  info: ObjectInfo,
  { range, ifGeneration }: ReadOptions,
): Promise<ObjectBody> {
  const facts = { store: asked.store, key: asked.key, generation: info.generation }
  const stream = response.body ?? emptyStream()
  if (ifGeneration !== undefined && info.generation !== ifGeneration) {
    await stream.cancel()
    throw new PreconditionFailed(`${describe(asked)}: the object is another generation`, facts)
  }
  if (rangeHeader(asked, range) !== undefined && response.status !== 206) {
    await stream.cancel()
    throw new RequestRefused(`${describe(asked)}: the service ignores byte ranges`, facts)
  }
  return { info, stream }
}

export function emptyStream(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.close() })
}
