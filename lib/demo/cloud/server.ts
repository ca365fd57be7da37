import { type Answer, bodyLength, Refusal } from "./answer.ts"
import { openBodies } from "./bodies.ts"
import { type Buckets, openBuckets } from "./buckets.ts"
import { type Call, serviceOf } from "./call.ts"
import { type FaultHandle, type FaultRule, type Faults, openFaults } from "./faults.ts"
import { type Connection, type Front, startFront } from "./front.ts"
import { answerGcs, gcsTarget, isGcsPath } from "./gcs.ts"
import { openSessions } from "./gcs-sessions.ts"
import { BrokenOff, incoming } from "./incoming.ts"
import { openLog, type RecordingLog, type RequestLog } from "./log.ts"
import { misbehave } from "./misbehave.ts"
import { type ObjectView, objectView, type PutOptions, toNewObject } from "./objects.ts"
import { openRoles, type Roles } from "./roles.ts"
import { answerS3, s3Target } from "./s3.ts"
import type { World } from "./world.ts"

export interface CloudOptions {
  /**
   * Whether connections can be broken on command (true). Costs one hop through a relay; benchmarks leave it out, and
   * rules for faults are then refused.
   */
  readonly faults?: boolean
  /** Whether the log keeps one entry for every request (true), or counters only. */
  readonly logEntries?: boolean
  /** `discard`: of what is written only size, hashes and metadata are kept; for benchmarks of many gigabytes. */
  readonly sink?: "keep" | "discard"
}

/** A running stand-in. Reading and writing here needs no permission and is not logged. */
export interface Cloud extends AsyncDisposable {
  /**
   * Where both services are: for `STORAGE_EMULATOR_HOST` (JSON API below `/storage/v1`) and for `AWS_ENDPOINT_URL`
   * (path-style S3). Every bucket is seen by both.
   */
  readonly url: string
  createBucket(name: string): void
  /** Stores an object, whatever was there, as its uploader would have: no precondition, no permission. */
  put(bucket: string, key: string, bytes: Uint8Array | string, options?: PutOptions): ObjectView
  get(bucket: string, key: string): ObjectView | undefined
  /** In the order of their UTF-8 bytes. */
  keys(bucket: string, prefix?: string): string[]
  delete(bucket: string, key: string): boolean
  /** Flips a bit of the stored bytes and leaves every hash as it was. */
  corrupt(bucket: string, key: string): void
  readonly log: RequestLog
  readonly roles: Roles
  fail(rule: FaultRule): FaultHandle
  /** Removes every rule and lets go of every stalled request. */
  heal(): void
  stop(): Promise<void>
}

/** Starts both services on one free port of 127.0.0.1. */
export async function startCloud(options: CloudOptions = {}): Promise<Cloud> {
  const { faults: withFaults = true, logEntries = true, sink = "keep" } = options
  const world: World = {
    buckets: openBuckets(openBodies({ discard: sink === "discard" })),
    sessions: openSessions(),
    roles: openRoles(),
  }
  const log = openLog({ keepEntries: logEntries })
  const faults = openFaults()
  const server = serve(world, log, faults, () => front)
  const front = withFaults ? await startFront(server.port!) : undefined
  const stop = async () => {
    faults.releaseAll()
    await front?.[Symbol.asyncDispose]()
    await server.stop(true)
  }
  return {
    ...storeControls(world.buckets),
    url: `http://127.0.0.1:${front?.port ?? server.port}`,
    log,
    roles: world.roles,
    fail(rule) {
      if (front === undefined) throw new Error("this server was started without faults")
      return faults.add(rule)
    },
    heal: () => faults.releaseAll(),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

function storeControls(buckets: Buckets) {
  const bucketNamed = (name: string) => {
    const bucket = buckets.find(name)
    if (bucket === undefined) throw new Error(`no bucket ${name}: call createBucket first`)
    return bucket
  }
  return {
    createBucket(name: string) {
      if (!/^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/.test(name) || RESERVED.has(name)) {
        throw new Error(`not a name for a bucket here: ${name}`)
      }
      buckets.create(name)
    },
    put(bucket: string, key: string, bytes: Uint8Array | string, options: PutOptions = {}) {
      return objectView(bucketNamed(bucket).put(toNewObject(buckets.bodies, bucket, key, bytes, options)))
    },
    get(bucket: string, key: string) {
      const object = bucketNamed(bucket).get(key)
      return object === undefined ? undefined : objectView(object)
    },
    keys: (bucket: string, prefix = "") =>
      bucketNamed(bucket)
        .keys()
        .filter((key) => key.startsWith(prefix)),
    delete: (bucket: string, key: string) => bucketNamed(bucket).delete(key),
    corrupt: (bucket: string, key: string) => bucketNamed(bucket).rot(key),
  }
}

/** First parts of the JSON API's paths: no bucket's path-style address may begin with them. */
const RESERVED = new Set(["storage", "upload", "download"])

function serve(world: World, log: RecordingLog, faults: Faults, front: () => Front | undefined) {
  return Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    async fetch(request, server) {
      const cameAt = Date.now()
      log.begin()
      const call = callOf(world, request)
      const hit = faults.strike(call)
      const respond = () => answerCall(world, call)
      let answer = BROKEN
      try {
        answer =
          hit === undefined
            ? await respond()
            : await misbehave(call, hit, connectionOf(front(), server.requestIP(request)?.port), respond)
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
          bytesOut: request.method === "HEAD" ? 0 : bodyLength(answer),
          fault: hit?.fault.kind,
          ...call.outcome,
        })
      }
      return toResponse(request, answer)
    },
  })
}

/** Logged where no answer was sent. */
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

function connectionOf(front: Front | undefined, port: number | undefined): Connection {
  const connection = port === undefined ? undefined : front?.connection(port)
  if (connection === undefined)
    throw new Error("a fault struck a request that did not come through the relay")
  return connection
}

function toResponse(request: Request, answer: Answer): Response {
  const { status, headers } = answer
  if (status === 0) return new Response(null, { status: 500 })
  if (request.method === "HEAD") {
    return new Response(null, {
      status,
      headers: { ...headers, "content-length": String(bodyLength(answer)) },
    })
  }
  return new Response(answer.body as Uint8Array<ArrayBuffer> | string | undefined, { status, headers })
}
