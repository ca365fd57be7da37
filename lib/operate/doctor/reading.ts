import type { ObjectInfo, ObjectSource } from "../../storage/store.ts"
import { type Finding, fault, faultOf, ok, type Result, unknown } from "./finding.ts"
import type { FixOf } from "./remedies.ts"
import type { Step } from "./step.ts"

/** Whether the origin can be listed and an object of it read. */
export async function checkReading(origin: ObjectSource, fixOf: FixOf, step: Step): Promise<Finding[]> {
  let some: ObjectInfo | undefined
  const listed = await step("origin: list", async (signal) => {
    try {
      some = await someObject(origin, signal)
    } catch (error) {
      signal.throwIfAborted()
      return faultOf(error, fixOf(error, "list"))
    }
    return some === undefined ? fault(`${origin.uri} has no object`, EMPTY) : ok(origin.uri)
  })
  return [listed, await step("origin: read", (signal) => checkRead(origin, some, fixOf, signal))]
}

const EMPTY = "Set ORIGIN_URI (or S3_ORIGIN_BUCKET_NAME) to the bucket with the files."

/** An object to try reading on; consoles leave objects behind that stand for folders. */
async function someObject(origin: ObjectSource, signal: AbortSignal): Promise<ObjectInfo | undefined> {
  for await (const object of origin.list("", signal)) {
    if (object.key !== "" && !object.key.endsWith("/")) return object
  }
  return undefined
}

/** Reads a byte of the body: a HEAD would say nothing of the key that encrypts it. */
async function checkRead(
  origin: ObjectSource,
  some: ObjectInfo | undefined,
  fixOf: FixOf,
  signal: AbortSignal,
): Promise<Result> {
  if (some === undefined) return unknown("not tried: no object was listed to try it on")
  const range = some.size === 0 ? {} : { range: { start: 0, end: 1 } }
  try {
    const { stream } = await origin.read(some.key, range, signal)
    await stream.cancel()
    return ok("an object can be read")
  } catch (error) {
    signal.throwIfAborted()
    const result = faultOf(error, fixOf(error, "get"))
    // Its name is that of a file which a report of ours has no need to tell.
    return { ...result, detail: result.detail.replaceAll(some.key, "(an object)") }
  }
}
