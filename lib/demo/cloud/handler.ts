import { type Answer, bodyLength, Refusal, sentLength } from "./answer.ts"
import { type Call, serviceOf } from "./call.ts"
import type { Fault, Faults } from "./faults.ts"
import type { Connection } from "./front.ts"
import { answerGcs, gcsTarget, isGcsPath } from "./gcs.ts"
import { BrokenOff, incoming } from "./incoming.ts"
import type { RecordingLog } from "./log.ts"
import { misbehave } from "./misbehave.ts"
import { answerS3, s3Target } from "./s3.ts"
import type { World } from "./world.ts"

export interface Handling {
  readonly world: World
  readonly log: RecordingLog
  readonly faults: Faults
  readonly keepAlive: boolean
}

/** Answers one request of either service and writes it into the log. */
export async function handle(
  { world, log, faults, keepAlive }: Handling,
  request: Request,
  connection: () => Connection,
): Promise<Response> {
  const cameAt = Date.now()
  log.begin()
  const call = callOf(world, request)
  const hit = faults.strike(call)
  const respond = () => answerCall(world, call)
  let answer = BROKEN
  try {
    answer = await (hit === undefined ? respond() : misbehave(call, hit, connection(), respond))
  } catch (error) {
    if (!(error instanceof BrokenOff)) throw error
  } finally {
    log.end({
      cameAt,
      verb: request.method,
      operation: call.operation,
      bucket: call.bucket,
      key: call.key,
      status: answer.status,
      bytesIn: call.body.bytes,
      bytesOut: bytesSent(request, answer, hit?.fault),
      fault: hit?.fault.kind,
      ...call.outcome,
    })
  }
  return toResponse(request, keepAlive ? answer : lastOnConnection(answer))
}

/** Stands for "nobody is left to answer". */
const BROKEN: Answer = { status: 0, headers: {} }

function callOf(world: World, request: Request): Call {
  const url = new URL(request.url)
  const target = isGcsPath(url.pathname)
    ? gcsTarget(request.method, url, request.headers.get("content-range"), world.sessions)
    : s3Target(request.method, url)
  return { ...target, url, request, body: incoming(request), outcome: {} }
}

async function answerCall(world: World, call: Call): Promise<Answer> {
  try {
    return serviceOf(call) === "gcs" ? await answerGcs(world, call) : answerS3(world, call)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    // An unread body would be taken for the next request on this connection.
    await call.body.arrived()
    return error.answer
  }
}

function bytesSent(request: Request, answer: Answer, fault: Fault | undefined): number {
  const length = sentLength(answer, request.method)
  return fault?.kind === "cut" && fault.end !== "stall" ? Math.min(fault.bytes, length) : length
}

function lastOnConnection(answer: Answer): Answer {
  return { ...answer, headers: { ...answer.headers, connection: "close" } }
}

function toResponse(request: Request, answer: Answer): Response {
  const { status, headers, body } = answer
  if (status === BROKEN.status) return new Response(null, { status: 500 })
  if (request.method === "HEAD") {
    return new Response(null, {
      status,
      headers: { ...headers, "content-length": String(bodyLength(answer)) },
    })
  }
  if (answer.chunked === true) return new Response(inChunks(body as Uint8Array), { status, headers })
  return new Response(body as Uint8Array<ArrayBuffer> | string | undefined, { status, headers })
}

/** A length that is known before the first byte goes out would be promised by the runtime. */
function inChunks(body: Uint8Array): ReadableStream {
  return new ReadableStream({
    type: "direct",
    async pull(controller) {
      controller.write(body as Uint8Array<ArrayBuffer>)
      await controller.flush()
      controller.close()
    },
  })
}
