import { expect } from "bun:test"
import { readdirSync } from "node:fs"
import { type Cloud, startCloud } from "../../lib/demo/cloud/server.ts"
import { withRetry } from "../../lib/storage/retry.ts"
import { openS3 } from "../../lib/storage/s3.ts"
import type { ObjectSource } from "../../lib/storage/store.ts"
import { type Received, type ReceiveOptions, receive } from "../../lib/transfer/receive.ts"
import { openSpool, type Spool } from "../../lib/transfer/spool.ts"
import { tempDir } from "./temp.ts"

export const QUICK = { retries: 3, minTimeoutMs: 1, maxTimeoutMs: 2 }

export function openOrigin(url: string): ObjectSource {
  const keys = { accessKeyId: "a", secretAccessKey: "b" }
  return withRetry(openS3({ bucket: "origin", endpoint: url, region: "r", ...keys }), QUICK)
}

/** An origin that misbehaves on command and a spool of its own before it. */
export interface Receiving extends AsyncDisposable {
  readonly cloud: Cloud
  readonly origin: ObjectSource
  readonly spool: Spool
  readonly options: ReceiveOptions
  /** Names of the files in the spool. */
  spooled(): string[]
}

export async function receiving({ capacity = 64 << 20, stallMs = 30_000 } = {}): Promise<Receiving> {
  // Every fault is seen by the code under test, none is repeated away by the runtime.
  const cloud = await startCloud({ keepAlive: false })
  cloud.createBucket("origin")
  const temp = tempDir("receive")
  const spool = openSpool({ dir: temp.file("tmp"), capacity })
  return {
    cloud,
    origin: openOrigin(cloud.url),
    spool,
    options: { spool, stallMs, retry: QUICK },
    spooled: () => readdirSync(spool.dir),
    async [Symbol.asyncDispose]() {
      await cloud.stop()
      spool[Symbol.dispose]()
      temp[Symbol.dispose]()
    },
  }
}

export async function bytesOf({ body }: Received): Promise<Uint8Array> {
  return body instanceof Uint8Array ? body : body.bytes()
}

/** What was asked of the origin: status and bytes of each answered read. */
export function reads({ cloud }: Receiving) {
  return cloud.log.find({ operation: "s3.get" }).map(({ status, bytesOut }) => [status, bytesOut])
}

/** Receives an object and holds it against what it should be. */
export async function expectBytes({ origin, options }: Receiving, key: string, bytes: Uint8Array) {
  using received = await receive(origin, key, options)
  expect(received.info.size).toBe(bytes.length)
  expect(Buffer.compare(await bytesOf(received), bytes)).toBe(0)
}
