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

/** Everything that ever happened to the destination. */
export interface History {
  last(key: string): Version | undefined
  has(key: string, generation: string): boolean
  /** Keys where somebody else was last when the step began, or has been since. */
  suspects(): ReadonlySet<string>
  beginStep(): void
  /** Takes note of what the project did since this was called last. */
  catchUp(): void
  /** Somebody else puts something there, or removes what is there. */
  meddle(key: string, content: string | undefined): void
  /** What the project did since this was asked last, each with what stood there before. */
  takeEffects(): Effect[]
}

export interface Effect {
  readonly entry: LogEntry
  readonly key: string
  readonly before: Version | undefined
  readonly after: Version
}

export function openHistory(cloud: Cloud, bucket: string): History {
  const versions = new Map<string, Version[]>()
  const effects: Effect[] = []
  let suspects = new Set<string>()
  let seen = 0

  const add = (key: string, version: Version) => versions.set(key, [...(versions.get(key) ?? []), version])
  const last = (key: string) => versions.get(key)?.at(-1)

  const catchUp = () => {
    const entries = cloud.log.entries.slice(seen)
    seen += entries.length
    for (const entry of entries) {
      const { effect, key, generation } = entry
      if (effect === undefined || key === undefined) continue
      const now = cloud.describe(bucket, key)
      const crc32c = now?.generation === generation ? now?.crc32c : undefined
      const after: Version = { generation, crc32c, by: "us" }
      effects.push({ entry, key, before: last(key), after })
      add(key, after)
    }
  }

  return {
    last,
    has: (key, generation) =>
      versions.get(key)?.some((version) => version.generation === generation) ?? false,
    catchUp,
    suspects: () => suspects,
    beginStep() {
      const byOthers = [...versions.keys()].filter((key) => last(key)?.by === "others")
      suspects = new Set(byOthers)
    },
    meddle(key, content) {
      catchUp()
      suspects.add(key)
      if (content === undefined) cloud.delete(bucket, key)
      else cloud.put(bucket, key, content)
      const now = cloud.describe(bucket, key)
      add(key, { generation: now?.generation, crc32c: now?.crc32c, by: "others" })
    },
    takeEffects: () => effects.splice(0),
  }
}
