import { join } from "node:path"
import type { CloudOptions } from "./cloud.ts"
import type { ControlMethods } from "./control.ts"
import type { ObjectView, PutOptions } from "./objects.ts"

/** A stand-in in a process of its own, so that its work is not counted as the work of who talks to it. */
export interface RemoteCloud extends AsyncDisposable {
  readonly url: string
  /** Calls a method of the server: `ask("createBucket", "origin")`. Dates come back as text. */
  ask<Name extends Exclude<keyof ControlMethods, "put" | "bytes">>(
    name: Name,
    ...args: Parameters<ControlMethods[Name]>
  ): Promise<Awaited<ReturnType<ControlMethods[Name]>>>
  put(bucket: string, key: string, bytes: Uint8Array | string, options?: PutOptions): Promise<ObjectView>
  bytes(bucket: string, key: string): Promise<Uint8Array>
}

/** Starts `main.ts` as a child, which ends with this process, however it ends. */
export async function startCloudProcess(options: CloudOptions = {}): Promise<RemoteCloud> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "main.ts"), JSON.stringify(options)], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  })
  const url = await firstLine(child.stdout)
  return {
    ...connectCloud(url),
    async [Symbol.asyncDispose]() {
      child.kill()
      await child.exited
    },
  }
}

function connectCloud(url: string): Omit<RemoteCloud, keyof AsyncDisposable> {
  const call = async (name: string, args: readonly unknown[], body?: Uint8Array | string) => {
    const target = `${url}/_control/${name}?args=${encodeURIComponent(JSON.stringify(args))}`
    const response = await fetch(target, {
      method: "POST",
      body: (body ?? null) as Uint8Array<ArrayBuffer> | string | null,
    })
    if (!response.ok) throw new Error(`${name}: ${await response.text()}`)
    return response
  }
  const result = async (response: Promise<Response>) => {
    const { result } = (await (await response).json()) as { result: never }
    return result
  }
  return {
    url,
    ask: (name, ...args) => result(call(name, args)),
    put: (bucket, key, bytes, options = {}) => result(call("put", [bucket, key, options], bytes)),
    bytes: async (bucket, key) => (await call("bytes", [bucket, key])).bytes(),
  }
}

async function firstLine(stdout: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder()
  let text = ""
  for await (const chunk of stdout) {
    text += decoder.decode(chunk, { stream: true })
    if (text.includes("\n")) return text.slice(0, text.indexOf("\n"))
  }
  throw new Error("the stand-in ended before it said where it is")
}
