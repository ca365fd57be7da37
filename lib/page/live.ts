import { setTimeout } from "node:timers/promises"
import type { Html } from "../support/html.ts"
import type { Live, PageDeps, RenderContext } from "./page.ts"
import { plain } from "./respond.ts"

/** What is shown, and how. Reading is the same for everybody; a drawing is shared by those of one base. */
export interface LivePart<Data> {
  read(): Data
  draw(data: Data, context: RenderContext): Html
}

export type LiveDeps = Pick<PageDeps, "ledger" | "clock" | "log">

/** How often the ledger is asked whether anything changed. */
const TICK_MS = 1000

/** A browser whose connection broke comes again after so long. */
const RETRY_MS = 3000

/** Times that go by, and what is not in the ledger, are shown anew after so many. */
const TICKS_UNCHANGED = 10

/** A proxy between us may close what is silent, and a browser that went away is noticed by talking to it. */
const HEARTBEAT_TICKS = 15

/** Then the browser comes again by itself, and whether it may is asked anew. One that fell asleep gives its place back. */
const LONGEST_MS = 15 * 60_000

const MOST_LISTENERS = 32

/** Follows the ledger while somebody listens, one reading for all of them; without listeners it does nothing. */
export function liveOver<Data>(
  deps: LiveDeps,
  part: LivePart<Data>,
  {
    tickMs = TICK_MS,
    longestMs = LONGEST_MS,
  }: { readonly tickMs?: number; readonly longestMs?: number } = {},
): Live {
  const closing = new AbortController()
  let listeners = 0
  const latest = latestOf(deps, part)
  const pulse = pulseOf(tickMs, () => {
    if (!closing.signal.aborted) latest.renew()
  })

  async function* heard(context: RenderContext): AsyncGenerator<string> {
    let shown: string | undefined
    let silent = 0
    yield `retry: ${RETRY_MS}\n\n`
    for (;;) {
      await pulse.next()
      const drawn = latest.drawn(context)
      if (drawn === undefined) return
      silent += 1
      if (drawn !== shown) yield eventOf("part", drawn)
      else if (silent >= HEARTBEAT_TICKS) yield ":\n\n"
      else continue
      shown = drawn
      silent = 0
    }
  }

  return {
    listen(context, signal) {
      if (closing.signal.aborted || listeners >= MOST_LISTENERS)
        return plain("too many are listening already", 503, { "retry-after": "60" })
      listeners += 1
      const ends = AbortSignal.any([signal, closing.signal, AbortSignal.timeout(longestMs)])
      const stream = streamOf(heard(context), ends, () => {
        listeners -= 1
        // Whoever comes next is not shown how things were when the last one left.
        if (listeners === 0) latest.forget()
      })
      return new Response(stream, {
        headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
      })
    },
    [Symbol.dispose]: () => closing.abort(),
  }
}

/** What is to be shown, read again only when the ledger was written to or its time has come. */
function latestOf<Data>({ ledger, clock, log }: LiveDeps, { read, draw }: LivePart<Data>) {
  let latest: { readonly version: number; readonly data: Data } | undefined
  let age = 0
  const drawings = new Map<string, string>()

  function renew() {
    // Of a connection that only reads: how often others committed. https://sqlite.org/pragma.html#pragma_data_version
    const { data_version: version } = ledger.db
      .query<{ data_version: number }, []>("pragma data_version")
      .get()!
    age += 1
    if (version === latest?.version && age < TICKS_UNCHANGED) return
    latest = { version, data: read() }
    age = 0
    drawings.clear()
  }

  return {
    forget() {
      latest = undefined
      drawings.clear()
    },
    renew() {
      try {
        renew()
      } catch (error) {
        log.error({ err: error }, "what is shown live cannot be read")
        latest = undefined
        drawings.clear()
      }
    },
    /** Undefined when it could not be read. */
    drawn(context: RenderContext): string | undefined {
      if (latest === undefined) return undefined
      const { base } = context
      const drawn = drawings.get(base) ?? draw(latest.data, { ...context, now: clock.now() }).text
      drawings.set(base, drawn)
      return drawn
    },
  }
}

/** A beat that all wait for together. It beats only while somebody does, and before each it does its work once. */
function pulseOf(ms: number, work: () => void) {
  let beat: Promise<void> | undefined

  async function nextBeat() {
    await setTimeout(ms, undefined, { ref: false })
    beat = undefined
    work()
  }

  return {
    next(): Promise<void> {
      beat ??= nextBeat()
      return beat
    },
  }
}

/** A line of data for each line of the text; what ends a line, HTML tells as one and the same. */
function eventOf(name: string, text: string): string {
  const lines = text.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`)
  return `event: ${name}\n${lines.join("")}\n`
}

/**
 * Of a listener that reads slowly nothing piles up: it is asked for when there is room. One that does not read at all is
 * let go when its time has come, as well.
 * @param gone called once, however it ends
 */
function streamOf(
  texts: AsyncGenerator<string>,
  ends: AbortSignal,
  gone: () => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let isOver = false

  function end() {
    if (isOver) return
    isOver = true
    gone()
  }

  return new ReadableStream(
    {
      start(controller) {
        const stop = () => {
          if (!isOver) controller.close()
          end()
        }
        if (ends.aborted) stop()
        else ends.addEventListener("abort", stop, { once: true })
      },
      async pull(controller) {
        const { done, value } = await texts.next()
        if (isOver) return
        if (done !== true) return controller.enqueue(encoder.encode(value))
        end()
        controller.close()
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  )
}
