import { Aborted } from "./errors.ts"

/** How a person or a service manager asks a script to end. */
export interface Stop {
  /** Take nothing new; what is in flight may finish. */
  readonly requested: AbortSignal
  /** Give up what is in flight, too. */
  readonly forced: AbortSignal
}

export interface SignalStop extends Stop, Disposable {
  /** As if the first signal had come, but without an exit code of its own. */
  request(reason: Aborted): void
  /** 130 or 143 once a signal has come. */
  readonly exitCode: number | undefined
}

/** Where signals come from and what ends the process: `process`, but for tests. */
export interface SignalSource {
  on(signal: StopSignal, listener: () => void): unknown
  off(signal: StopSignal, listener: () => void): unknown
  exit(code: number): unknown
}

type StopSignal = "SIGINT" | "SIGTERM"

/** 128 + the signal's number, as shells report it. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const

const GRACE_MS = 10_000

/**
 * One stop may come as several signals: GNU timeout signals its child and then the whole group, and `npm run`
 * hands on what a terminal has sent to all.
 */
const SAME_STOP_MS = 1000

/**
 * The first SIGINT or SIGTERM requests the stop; 10 s later it is forced. A second one, more than 1 s after the
 * first, ends the process at once, which is safe, too: whatever it interrupts is settled by the next start.
 * @param options.now a clock that only goes forward, in milliseconds
 */
export function stopOnSignals(
  source: SignalSource = process,
  { graceMs = GRACE_MS, now = () => performance.now() }: { graceMs?: number; now?: () => number } = {},
): SignalStop {
  const requested = new AbortController()
  const forced = new AbortController()
  let first: { readonly exitCode: number; readonly atMs: number } | undefined
  let grace: Timer | undefined

  const request = (reason: Aborted) => {
    if (requested.signal.aborted) return
    requested.abort(reason)
    grace = setTimeout(() => forced.abort(reason), graceMs)
    grace.unref()
  }
  const onSignal = (signal: StopSignal) => () => {
    if (first !== undefined) {
      if (now() - first.atMs > SAME_STOP_MS) source.exit(EXIT_CODES[signal])
      return
    }
    first = { exitCode: EXIT_CODES[signal], atMs: now() }
    request(new Aborted(`stopped by ${signal}; start it again to go on`))
  }
  const listeners = { SIGINT: onSignal("SIGINT"), SIGTERM: onSignal("SIGTERM") }
  source.on("SIGINT", listeners.SIGINT)
  source.on("SIGTERM", listeners.SIGTERM)

  return {
    requested: requested.signal,
    forced: forced.signal,
    request,
    get exitCode() {
      return first?.exitCode
    },
    [Symbol.dispose]() {
      clearTimeout(grace)
      source.off("SIGINT", listeners.SIGINT)
      source.off("SIGTERM", listeners.SIGTERM)
    },
  }
}
