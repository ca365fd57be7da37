import { connect, createServer } from "node:net"
import type { PacsSettings } from "../../lib/source/pacs.ts"

/** A relay to a database that notes what a pooler in transaction mode would be sent. */
export interface Relay extends AsyncDisposable {
  readonly port: number
  /** What the session is given by the startup message. */
  readonly parameters: string[]
  /** Names under which statements are prepared. */
  readonly prepared: string[]
  readonly statements: string[]
}

/** @param path a Unix socket to listen on, instead of a port of 127.0.0.1 */
export async function relayTo(
  { host, port }: Pick<PacsSettings, "host" | "port">,
  path?: string,
): Promise<Relay> {
  const parameters: string[] = []
  const prepared: string[] = []
  const statements: string[] = []
  const note = (type: string, fields: readonly string[]) => {
    const [first = "", second = ""] = fields
    if (type === STARTUP) parameters.push(...fields.filter((name, index) => index % 2 === 0 && name !== ""))
    if (type === "P") prepared.push(first)
    if (type === "P" || type === "Q") statements.push((type === "P" ? second : first).trim())
  }
  const server = createServer((client) => {
    const upstream = connect(port, host)
    const read = messageReader(note)
    client.on("data", (chunk: Buffer) => {
      read(chunk)
      upstream.write(chunk)
    })
    upstream.on("data", (chunk) => client.write(chunk))
    client.on("close", () => upstream.destroy())
    upstream.on("close", () => client.destroy())
  })
  await new Promise<void>((resolve) => {
    if (path === undefined) server.listen(0, "127.0.0.1", resolve)
    else server.listen(path, resolve)
  })
  const address = server.address()
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    parameters,
    prepared,
    statements,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const STARTUP = "startup"

/** Takes the frontend's messages out of its bytes: type, and the strings within (PostgreSQL manual, 54.7). */
function messageReader(note: (type: string, fields: readonly string[]) => void) {
  let pending = ""
  let started = false
  return (chunk: Buffer) => {
    pending += chunk.toString("latin1")
    for (;;) {
      // Only the first message has no type, and its version of the protocol ahead of its strings.
      const at = started ? 1 : 0
      if (pending.length < at + 4) return
      const end = at + Buffer.from(pending.slice(at, at + 4), "latin1").readUInt32BE()
      if (pending.length < end) return
      note(started ? pending.slice(0, 1) : STARTUP, pending.slice(at + (started ? 4 : 8), end).split("\0"))
      pending = pending.slice(end)
      started = true
    }
  }
}
