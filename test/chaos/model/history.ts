import { expect } from "bun:test"
import type { Cloud } from "../../../lib/demo/cloud/cloud.ts"
import type { LogEntry } from "../../../lib/demo/cloud/log.ts"

/** One state of a key at the destination. */
export interface Version {
  /** Undefined: there is nothing. */
  readonly generation: string | undefined
  readonly crc32c: string | undefined
  /** Whether the project did it, or somebody else. */
  readonly by: "us" | "others"
}

/** Everything that ever happened to the destination, and what must never have. */
export interface History {
  last(key: string): Version | undefined
  has(key: string, generation: string): boolean
  /** What the project did since this was asked last. */
  catchUp(): void
  /** Somebody else puts something there, or removes what is there. */
  meddle(key: string, content: string | undefined): void
}

export interface HistoryOptions {
  readonly ledgerId: () => string
  /** Whether the operator wants whatever stands under this key replaced. */
  readonly isForced: (key: string) => boolean
}

export function openHistory(cloud: Cloud, bucket: string, { ledgerId, isForced }: HistoryOptions): History {
  const versions = new Map<string, Version[]>()
  let seen = 0

  const add = (key: string, version: Version) => versions.set(key, [...(versions.get(key) ?? []), version])
  const last = (key: string) => versions.get(key)?.at(-1)

  const assertLegal = ({ effect, key, metadata = {} }: LogEntry, crc32c: string | undefined) => {
    const before = last(key!)
    const ours = metadata.attempt?.startsWith(`${ledgerId()}/`) || metadata.ledger === ledgerId()
    expect({ key, ours }).toEqual({ key, ours: true })
    if (effect === "created" || isForced(key!)) return
    const replaced = {
      key,
      effect,
      by: before?.by,
      isSame: crc32c !== undefined && crc32c === before?.crc32c,
    }
    expect(replaced).toEqual({ key, effect: "replaced", by: "us", isSame: false })
  }

  const catchUp = () => {
    const entries = cloud.log.entries.slice(seen)
    seen += entries.length
    for (const entry of entries) {
      const { effect, key, bucket: where, generation } = entry
      if (effect === undefined || where !== bucket) continue
      const now = cloud.describe(bucket, key!)
      const crc32c = now?.generation === generation ? now?.crc32c : undefined
      assertLegal(entry, crc32c)
      add(key!, { generation, crc32c, by: "us" })
    }
  }

  return {
    last,
    has: (key, generation) =>
      versions.get(key)?.some((version) => version.generation === generation) ?? false,
    catchUp,
    meddle(key, content) {
      catchUp()
      if (content === undefined) cloud.delete(bucket, key)
      else cloud.put(bucket, key, content)
      const now = cloud.describe(bucket, key)
      add(key, { generation: now?.generation, crc32c: now?.crc32c, by: "others" })
    },
  }
}
