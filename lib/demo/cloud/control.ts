import type { Cloud } from "./cloud.ts"
import type { FaultRule } from "./faults.ts"
import type { EntryFilter } from "./log.ts"
import type { PutOptions } from "./objects.ts"
import type { Grants, Holder } from "./roles.ts"

const PREFIX = "/_control/"

export function isControlPath(url: string): boolean {
  return url.startsWith(PREFIX, url.indexOf("/", "http://".length))
}

/**
 * The server's own methods over HTTP, for whoever runs it as a process of its own (`remote.ts`): arguments
 * are a JSON array in the query, bytes are the request's body; the result comes back as JSON, bytes as they
 * are.
 */
export async function answerControl(cloud: Cloud, request: Request): Promise<Response> {
  const url = new URL(request.url)
  const name = url.pathname.slice(PREFIX.length)
  const methods: Record<string, (...args: never[]) => unknown> = controlMethods(cloud, await request.bytes())
  const method = methods[name] as ((...args: unknown[]) => unknown) | undefined
  if (method === undefined) return new Response(`no such method: ${name}`, { status: 404 })
  try {
    const result = await method(...JSON.parse(url.searchParams.get("args") ?? "[]"))
    return result instanceof Uint8Array
      ? new Response(result as Uint8Array<ArrayBuffer>)
      : Response.json({ result })
  } catch (error) {
    return new Response(error instanceof Error ? error.message : String(error), { status: 400 })
  }
}

/** Names, arguments and results of what can be asked for; `remote.ts` takes its types from here. */
export type ControlMethods = ReturnType<typeof controlMethods>

function controlMethods(cloud: Cloud, body: Uint8Array) {
  return {
    createBucket: (name: string) => cloud.createBucket(name),
    put: (bucket: string, key: string, options?: PutOptions) => cloud.put(bucket, key, body, options),
    describe: (bucket: string, key: string) => cloud.describe(bucket, key),
    bytes: (bucket: string, key: string) => cloud.get(bucket, key)?.bytes,
    keys: (bucket: string, prefix?: string) => cloud.keys(bucket, prefix),
    delete: (bucket: string, key: string) => cloud.delete(bucket, key),
    corrupt: (bucket: string, key: string) => cloud.corrupt(bucket, key),
    entries: (filter: EntryFilter = {}) => cloud.log.find(filter),
    counters: () => cloud.log.counters,
    reached: (filter: EntryFilter, count: number) => cloud.log.reached(filter, count),
    clearLog: () => cloud.log.clear(),
    allow: (holder: Holder, grants: Grants) => cloud.roles.allow(holder, grants),
    fail: (rule: FaultRule) => cloud.fail(rule).id,
    heal: () => cloud.heal(),
  }
}
