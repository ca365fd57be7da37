import type { ObjectSource, ReadOptions } from "../storage/store.ts"
import { crc32c, crc32cToBase64 } from "../support/checksums.ts"

/**
 * CRC32C of an object's bytes as the store hands them out, base64.
 * @throws NotFound; PreconditionFailed when it is another generation
 */
export async function crc32cOfObject(
  store: ObjectSource,
  key: string,
  options: Pick<ReadOptions, "ifGeneration"> = {},
  signal?: AbortSignal,
): Promise<string> {
  const { stream } = await store.read(key, options, signal)
  let value = 0
  for await (const chunk of stream) value = crc32c(chunk, value)
  return crc32cToBase64(value)
}
