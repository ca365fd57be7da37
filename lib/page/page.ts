import type { Ledger } from "../ledger/open.ts"
import type { Clock } from "../support/clock.ts"
import type { Config } from "../support/config.ts"
import type { Html } from "../support/html.ts"
import type { Log } from "../support/log.ts"
import type { Session } from "./access/session.ts"
import type { SeriesReader } from "./series/reader.ts"

/** What the page is configured by. */
export const PAGE_PARTS = [
  "ledger",
  "page",
  "schedule",
  "ranking",
  "destination",
  "gcs",
  "copy",
  "cod",
  "ingest",
] as const satisfies readonly (keyof Config)[]
export type PageConfig = Config<(typeof PAGE_PARTS)[number]>

/** What every view works with; opened and closed elsewhere. */
export interface PageDeps {
  /** A connection that cannot write. */
  readonly ledger: Ledger
  readonly config: PageConfig
  readonly clock: Clock
  readonly log: Log
}

/** How a view is to be drawn. */
export interface RenderContext {
  /** What stands before each path: "" or "/flower". */
  readonly base: string
  /** For a file that is looked at without a server: no links to other views, no buttons. */
  readonly isStatic: boolean
  /** In which times are shown. */
  readonly timezone: string
  readonly now: Date
  /** For forms of the session; undefined where nothing may be changed. */
  readonly csrf: string | undefined
}

/** A part of a view that is shown anew as things change, to whoever is looking at it. */
export interface Live extends Disposable {
  /**
   * What a listener hears, as long as they do: server-sent events (HTML, section 9.2), each named `part` with the part as
   * HTML. 503 when too many listen already.
   */
  listen(context: RenderContext, signal: AbortSignal): Response
}

/** One request that was let in. */
export interface PageRequest {
  readonly deps: PageDeps
  /** Out of the datastore. */
  readonly series: SeriesReader
  /** The view Now, as it moves. */
  readonly live: Live
  readonly request: Request
  /** Behind the base. */
  readonly path: string
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly session: Session | undefined
  /** Of whoever asks; a proxy's where there is one. */
  readonly address: string
  readonly context: RenderContext
  /** A view within the page's frame. */
  show(view: View, status?: number): Response
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

/**
 * Who may ask: anybody; whoever is logged in; also programs that watch the box, by HTTP Basic; or anybody, and those who
 * say who they are with a session.
 */
export type Admission = "anybody" | "session" | "monitor" | "anybody-or-monitor"

/** A path below the base, in the notation of `Bun.serve`, and what answers it. */
export interface Route {
  readonly path: `/${string}`
  readonly method: "GET" | "POST"
  readonly admits: Admission
  readonly handle: (request: PageRequest) => Response | Promise<Response>
}

/** A view within the page's frame. */
export interface View {
  readonly title: string
  /** The entry of the navigation that it belongs to. */
  readonly nav: string
  readonly body: Html
}
