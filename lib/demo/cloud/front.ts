import { type AddressInfo, connect, createServer, type Socket } from "node:net"

/**
 * A TCP relay before the HTTP server: the runtime's server can neither reset a connection nor break its
 * promise of a Content-Length, so whatever happens to connections happens here.
 */
export interface Front extends AsyncDisposable {
  readonly port: number
  /**
   * The connection that comes to the HTTP server from this port; where it is gone already, nothing happens to
   * it.
   */
  connection(port: number | undefined): Connection
}

export interface Connection {
  reset(): void
  /** Lets the head and `bytes` of the body of the next answer through, then ends as told. */
  cut(bytes: number, end: "close" | "reset" | "stall", released: Promise<void>): void
}

export async function startFront(backendPort: number): Promise<Front> {
  const connections = new Map<number, Connection>()
  const clients = new Set<Socket>()
  const server = createServer((client) => {
    clients.add(client)
    const backend = connect({ port: backendPort, host: "127.0.0.1", noDelay: true })
    client.setNoDelay(true)
    const relay = relayAnswers(backend, client)
    let port: number | undefined
    backend.once("connect", () => {
      port = backend.localPort
      if (port !== undefined) connections.set(port, relay)
      client.pipe(backend)
    })
    client.on("error", () => client.destroy())
    client.on("close", () => {
      clients.delete(client)
      backend.destroy()
    })
    backend.on("error", () => client.destroy())
    backend.on("close", () => {
      if (port !== undefined) connections.delete(port)
      // Whatever is still on its way to the client arrives.
      client.end()
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject)
    server.listen(0, "127.0.0.1", resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    connection: (port) => connections.get(port ?? -1) ?? GONE,
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

const GONE: Connection = { reset() {}, cut() {} }

interface Cut {
  /** What came of the answer's head so far; `undefined` once it is complete. */
  head: Buffer | undefined
  /** Bytes of the body that may still pass. */
  left: number
  readonly end: (rest: Buffer) => void
}

function relayAnswers(backend: Socket, client: Socket): Connection {
  let cut: Cut | undefined

  const pass = (chunk: Buffer, sent?: () => void) => {
    if (client.write(chunk, sent)) return
    backend.pause()
    client.once("drain", () => backend.resume())
  }
  const goOn = (rest: Buffer) => {
    cut = undefined
    pass(rest)
    backend.resume()
  }
  const passUntilCut = (chunk: Buffer, current: Cut) => {
    const body = current.head === undefined ? chunk : behindHead(chunk, current, pass)
    if (body === undefined) return
    const passing = body.subarray(0, current.left)
    current.left -= passing.length
    if (current.left > 0) return pass(passing)
    backend.pause()
    pass(passing, () => current.end(body.subarray(passing.length)))
  }
  backend.on("data", (chunk: Buffer) => {
    if (cut === undefined) pass(chunk)
    else passUntilCut(chunk, cut)
  })
  return {
    reset: () => void client.resetAndDestroy(),
    cut(bytes, end, released) {
      const ends = {
        reset: () => client.resetAndDestroy(),
        close: () => client.end(() => client.destroy()),
        stall: (rest: Buffer) => released.then(() => goOn(rest)),
      }
      cut = { head: Buffer.alloc(0), left: bytes, end: ends[end] }
    },
  }
}

/**
 * Lets the answer's head through and returns what came of the body; `undefined` while the head is not
 * complete.
 */
function behindHead(chunk: Buffer, cut: Cut, pass: (chunk: Buffer) => void): Buffer | undefined {
  const head = Buffer.concat([cut.head!, chunk])
  const end = head.indexOf("\r\n\r\n")
  cut.head = end < 0 ? head : undefined
  if (end < 0) return undefined
  pass(head.subarray(0, end + 4))
  return head.subarray(end + 4)
}
