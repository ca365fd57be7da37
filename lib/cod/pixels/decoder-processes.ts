import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { CODError } from "../format/errors.ts"
import type { DecodeAnswer, DecodeRequest } from "./codecs/protocol.ts"

/** What became of a stream: `ended` when its decoder took too long, or died. */
export type Decoding = DecodeAnswer | { readonly ended: "timeout" | "died" }

/** What else a codec is told: how long it may take, and how much memory. */
export interface DecodingRoom {
  readonly milliseconds: number
}

/**
 * Has a stream decoded in another process, one of as many as there are cores, which are started when they are needed and
 * kept. A thread would not do: a loop within WebAssembly goes on when its thread is terminated.
 *
 * @param signal whoever gives up gets its reason; the decoder is ended
 */
export async function decodeElsewhere(
  request: DecodeRequest,
  room: DecodingRoom,
  signal?: AbortSignal,
): Promise<Decoding> {
  const decoding = await decodeOnce(request, room, signal)
  // It may have died for another reason than this stream: memory that somebody else took, or a signal to all.
  return "ended" in decoding && decoding.ended === "died" ? await decodeOnce(request, room, signal) : decoding
}

async function decodeOnce(
  request: DecodeRequest,
  { milliseconds }: DecodingRoom,
  signal: AbortSignal | undefined,
): Promise<Decoding> {
  const decoder = await seat(signal)
  try {
    const decoding = await decoder.decode(request, milliseconds, signal)
    release("ended" in decoding ? undefined : decoder)
    return decoding
  } catch (error) {
    release(undefined)
    throw error
  }
}

interface DecoderProcess {
  decode(request: DecodeRequest, milliseconds: number, signal?: AbortSignal): Promise<Decoding>
  readonly isAlive: boolean
}

const MOST = Math.min(4, availableParallelism())
const IDLE_MILLISECONDS = 60_000
const idle: DecoderProcess[] = []
const waiting: (() => void)[] = []
let busy = 0

async function seat(signal: AbortSignal | undefined): Promise<DecoderProcess> {
  while (busy >= MOST) await new Promise<void>((resolve) => waiting.push(resolve))
  busy += 1
  try {
    signal?.throwIfAborted()
    for (let next = idle.pop(); next !== undefined; next = idle.pop()) if (next.isAlive) return next
    return startDecoder()
  } catch (error) {
    release(undefined)
    throw error
  }
}

function release(decoder: DecoderProcess | undefined): void {
  busy -= 1
  if (decoder !== undefined) idle.push(decoder)
  waiting.shift()?.()
}

function startDecoder(): DecoderProcess {
  let settle: (decoding: Decoding) => void = () => {}
  let rest: Timer | undefined
  const child = spawned((answer) => settle(answer))

  const end = (decoding: Decoding) => {
    child.kill("SIGKILL")
    settle(decoding)
  }

  return {
    get isAlive() {
      return child.exitCode === null && !child.killed
    },

    async decode(request, milliseconds, signal) {
      const { promise, resolve } = Promise.withResolvers<Decoding>()
      settle = resolve
      const onAbort = () => end({ ended: "died" })
      const deadline = setTimeout(() => end({ ended: "timeout" }), milliseconds)
      signal?.addEventListener("abort", onAbort)
      clearTimeout(rest)
      child.ref()
      try {
        child.send(request)
        const decoding = await promise
        signal?.throwIfAborted()
        return decoding
      } finally {
        child.unref()
        clearTimeout(deadline)
        signal?.removeEventListener("abort", onAbort)
        // Some programs run for months and decode once a night.
        rest = setTimeout(() => child.kill("SIGKILL"), IDLE_MILLISECONDS).unref()
      }
    },
  }
}

/** @throws CODError when the machine has no room for another process */
function spawned(settle: (decoding: Decoding) => void) {
  try {
    const child = Bun.spawn([process.execPath, "--no-env-file", WORKER], {
      cwd: fileURLToPath(new URL(".", import.meta.url)),
      env: {},
      serialization: "advanced",
      stdio: ["ignore", "ignore", "ignore"],
      ipc: (answer: DecodeAnswer) => settle(answer),
      onExit: () => settle({ ended: "died" }),
    })
    child.unref()
    return child
  } catch (cause) {
    throw new CODError("no process for decoding could be started", { verdict: "retry", cause })
  }
}

const WORKER = fileURLToPath(new URL("codecs/worker.ts", import.meta.url))
