import type { ErrorEvent, StackFrame } from "@sentry/bun"
import { type ErrorReport, isReportable, reportOf } from "./error-report.ts"
import { VERSION } from "./version.ts"

/** Sends an error to Sentry if somebody has to look into it; resolves when it has left, or soon. Never rejects. */
export type Report = (error: unknown) => Promise<void>

export interface ReportOptions {
  /** Undefined: nothing is sent and nothing loaded. */
  readonly dsn: string | undefined
  readonly script: string
  /** Texts that are hidden wherever they turn up in a message. */
  readonly hidden?: readonly string[]
  /** A service that does not answer holds up the end of a script for so long. */
  readonly timeoutMs?: number
  /** Told when a report could not be sent. */
  readonly complain: (error: unknown) => void
}

const TIMEOUT_MS = 3000

/** The SDK is loaded by the first error that is sent: it would cost every start of every script 0.2 s and 50 MB. */
export function errorReporter(options: ReportOptions): Report {
  const { dsn, script, hidden = [], timeoutMs = TIMEOUT_MS, complain } = options
  if (dsn === undefined) return async () => undefined
  let opening: Promise<Sender> | undefined
  return async (error) => {
    if (!isReportable(error)) return
    try {
      opening ??= openSender(dsn, script)
      const sender = await opening
      const sent = await sender.send(reportOf(error, hidden), timeoutMs)
      if (!sent) complain(new Error("Sentry did not take the report of this error"))
    } catch (cause) {
      complain(new Error("the error could not be reported to Sentry", { cause }))
    }
  }
}

interface Sender {
  /** @returns whether it was taken */
  send(report: ErrorReport, timeoutMs: number): Promise<boolean>
}

/**
 * A client of its own, without the SDK's `init`: that would register itself globally with its default integrations,
 * which record requests, console lines, loaded modules and the machine.
 */
async function openSender(dsn: string, script: string): Promise<Sender> {
  const { BunClient, Scope, defaultStackParser, makeFetchTransport } = await import("@sentry/bun")
  const client = new BunClient({
    dsn,
    release: VERSION,
    integrations: [],
    traceLifecycle: "static",
    transport: makeFetchTransport,
    stackParser: defaultStackParser,
    sendClientReports: false,
    beforeSend: onlyWhatMayLeave,
  })
  client.init()
  const accepted = new Set<string | undefined>()
  client.on("afterSendEvent", (event, { statusCode = 0 }) => {
    if (statusCode >= 200 && statusCode < 300) accepted.add(event.event_id)
  })
  return {
    async send(report, timeoutMs) {
      const id = client.captureEvent(eventOf(report, script, defaultStackParser), {}, new Scope())
      await client.flush(timeoutMs)
      return accepted.delete(id)
    },
  }
}

/** The innermost cause first, as Sentry shows them. */
function eventOf(
  { errors }: ErrorReport,
  script: string,
  framesOf: (stack: string) => StackFrame[],
): ErrorEvent {
  const values = errors.map(({ class: type, message, stack }) => ({
    type,
    value: message,
    stacktrace: {
      frames: framesOf(stack).map((frame) => ({
        ...frame,
        in_app: frame.filename?.includes("node_modules") === false,
      })),
    },
  }))
  return { type: undefined, level: "error", tags: { script }, exception: { values: values.reverse() } }
}

const MAY_LEAVE = new Set([
  "type",
  "event_id",
  "timestamp",
  "platform",
  "level",
  "release",
  "tags",
  "exception",
  "sdk",
])

/** The SDK adds what it knows of the machine, its host name first. */
function onlyWhatMayLeave(event: ErrorEvent): ErrorEvent {
  for (const name of Object.keys(event)) if (!MAY_LEAVE.has(name)) Reflect.deleteProperty(event, name)
  return event
}
