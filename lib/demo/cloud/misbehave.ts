import type { Answer } from "./answer.ts"
import { sentLength } from "./answer.ts"
import { type Call, serviceOf } from "./call.ts"
import type { Hit } from "./faults.ts"
import type { Connection } from "./front.ts"
import { gcsErrorOfStatus } from "./gcs-errors.ts"
import { BrokenOff } from "./incoming.ts"
import { s3ErrorOfStatus } from "./s3-errors.ts"

/** Answers a request as the fault that struck it wants. */
export async function misbehave(
  call: Call,
  { fault, released }: Hit,
  connection: Connection,
  respond: () => Promise<Answer>,
): Promise<Answer> {
  switch (fault.kind) {
    case "status":
      await (fault.afterEffect === true ? respond() : call.body.arrived())
      return errorAnswer(call, fault.status, fault.retryAfter)
    case "reset":
      await (fault.afterEffect === true ? respond() : call.body.arrived())
      connection.reset()
      throw new BrokenOff()
    case "cut": {
      const answer = await respond()
      connection.cut(Math.min(fault.bytes, sentLength(answer, call.request.method)), fault.end, released)
      return answer
    }
    case "cut-upload":
      call.body.breakAfter(fault.bytes)
      try {
        return await respond()
      } catch (error) {
        if (error instanceof BrokenOff) connection.reset()
        throw error
      }
    case "delay":
      await call.body.arrived()
      await Bun.sleep(fault.ms)
      return respond()
    case "stall":
      await call.body.arrived()
      await released
      return respond()
    case "wrong-checksum":
      return withWrongHashes(await respond())
    case "wrong-date":
      return withDate(await respond(), Date.now() + 1000 * fault.seconds)
    case "corrupt-upload":
      call.body.corrupt()
      return respond()
  }
}

function errorAnswer(call: Call, status: number, retryAfter: string | undefined): Answer {
  const answer = serviceOf(call) === "gcs" ? gcsErrorOfStatus(status) : s3ErrorOfStatus(status)
  if (retryAfter === undefined) return answer
  return { ...answer, headers: { ...answer.headers, "retry-after": retryAfter } }
}

function withDate(answer: Answer, time: number): Answer {
  return { ...answer, headers: { ...answer.headers, date: new Date(time).toUTCString() } }
}

const WRONG = {
  crc32c: "/////w==",
  md5: "AAAAAAAAAAAAAAAAAAAAAA==",
  etag: '"00000000000000000000000000000000"',
}

function withWrongHashes(answer: Answer): Answer {
  const headers = { ...answer.headers }
  if (headers["x-goog-hash"] !== undefined) headers["x-goog-hash"] = `crc32c=${WRONG.crc32c},md5=${WRONG.md5}`
  if (headers["x-amz-checksum-crc32c"] !== undefined) headers["x-amz-checksum-crc32c"] = WRONG.crc32c
  if (headers.etag?.startsWith('"')) headers.etag = WRONG.etag
  if (typeof answer.body !== "string" || !headers["content-type"]?.startsWith("application/json")) {
    return { ...answer, headers }
  }
  const body = answer.body
    .replace(/"crc32c":"[^"]*"/g, `"crc32c":"${WRONG.crc32c}"`)
    .replace(/"md5Hash":"[^"]*"/g, `"md5Hash":"${WRONG.md5}"`)
  return { ...answer, headers, body }
}
