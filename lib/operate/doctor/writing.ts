import { AccessDenied, NotFound, PreconditionFailed } from "../../storage/errors.ts"
import type { Generation, ObjectStore } from "../../storage/store.ts"
import { crc32cBase64 } from "../../support/checksums.ts"
import { type Finding, faultOf, ok, type Result, unknown } from "./finding.ts"
import type { FixOf } from "./remedies.ts"
import type { Step } from "./step.ts"

/**
 * Where the doctor tries what it may do. One key, not one a visit: where nothing may be deleted, no more than one small
 * object stays, and the next doctor that may deletes it.
 */
export const PROBE_KEY = "_doctor/probe.txt"

const BYTES = new TextEncoder().encode("bun run doctor tries here what it may do; this may be deleted\n")

/**
 * Whether objects can be listed, created, read and deleted under their generation. Leaves the place as it was.
 * @param check what the place is called in findings
 */
export async function checkWriting(
  check: string,
  store: ObjectStore,
  fixOf: FixOf,
  step: Step,
): Promise<Finding[]> {
  const probe: Probe = { store, fixOf, stands: false, generation: undefined }
  return [
    await step(`${check}: list`, (signal) => list(probe, signal)),
    await step(`${check}: create`, (signal) => create(probe, signal)),
    await step(`${check}: read`, (signal) => read(probe, signal)),
    await step(`${check}: delete`, (signal) => remove(probe, signal)),
  ]
}

interface Probe {
  readonly store: ObjectStore
  readonly fixOf: FixOf
  /** Something stands at the key. */
  stands: boolean
  /** Of what stands there, once it is known. */
  generation: Generation | undefined
}

async function list({ store, fixOf }: Probe, signal: AbortSignal): Promise<Result> {
  try {
    for await (const _ of store.list(PROBE_KEY, signal)) break
    return ok(store.uri)
  } catch (error) {
    signal.throwIfAborted()
    return faultOf(error, fixOf(error, "list"))
  }
}

async function create(probe: Probe, signal: AbortSignal): Promise<Result> {
  const { store, fixOf } = probe
  try {
    const options = {
      ifGeneration: "absent",
      crc32c: crc32cBase64(BYTES),
      contentType: "text/plain",
    } as const
    probe.generation = (await store.write(PROBE_KEY, BYTES, options, signal)).generation
    probe.stands = true
    return ok(`${PROBE_KEY} was created`)
  } catch (error) {
    signal.throwIfAborted()
    // Refused by the condition only: another doctor is here, or could not delete it.
    if (!(error instanceof PreconditionFailed)) return faultOf(error, fixOf(error, "create"))
    probe.stands = true
    return ok(`${PROBE_KEY} is there already`)
  }
}

async function read(probe: Probe, signal: AbortSignal): Promise<Result> {
  const { store, fixOf, stands } = probe
  if (!stands) return unknown("not tried: nothing could be created to read")
  try {
    const { info, stream } = await store.read(PROBE_KEY, {}, signal)
    probe.generation = info.generation
    await stream.cancel()
    return ok("it can be read")
  } catch (error) {
    signal.throwIfAborted()
    // Another doctor deleted it: that it is gone is told only to those who may read.
    if (error instanceof NotFound) return ok("it may be read; another doctor has just deleted it")
    return faultOf(error, fixOf(error, "get"))
  }
}

async function remove({ store, fixOf, stands, generation }: Probe, signal: AbortSignal): Promise<Result> {
  if (!stands) return unknown("not tried: nothing could be created to delete")
  if (generation === undefined) return unknown("not tried: its generation could not be read")
  try {
    await store.delete(PROBE_KEY, { ifGeneration: generation }, signal)
    return ok(`generation ${generation} was deleted`)
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof NotFound || error instanceof PreconditionFailed) {
      return ok("it may be deleted; another doctor was faster")
    }
    const result = faultOf(error, fixOf(error, "delete"))
    return error instanceof AccessDenied
      ? { ...result, detail: `${result.detail}; ${PROBE_KEY} stays` }
      : result
  }
}
