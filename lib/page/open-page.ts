import { hostname as ownName } from "node:os"
import { followLedger } from "../ledger/follow.ts"
import { requireLedger } from "../pipeline/deps.ts"
import { systemClock } from "../support/clock.ts"
import { AppError } from "../support/errors.ts"
import type { Log } from "../support/log.ts"
import { openAccess } from "./access/open.ts"
import type { PageConfig } from "./page.ts"
import { type PageServer, servePage } from "./server.ts"
import { SITE } from "./site.ts"

export interface PageStart {
  readonly config: PageConfig
  readonly log: Log
}

/** The page cannot be where it should be: its port is taken, or its address is none of this machine. */
export class PageUnavailable extends AppError {}

/** An open page, and where browsers find it. */
export interface OpenPage extends AsyncDisposable {
  readonly url: string
  /** Where users of the replaced system look for it. */
  readonly flowerUrl: string
}

/**
 * Opens the page over the ledger of the configuration until it is disposed. It is no run of the ledger, and writes it only for a moment, when somebody asks for a retry.
 * @throws UsageError there is no ledger, or somebody from elsewhere could look without a login
 * @throws LedgerUnusable, PageUnavailable
 */
export async function openPage({ config, log }: PageStart): Promise<OpenPage> {
  const { host, port } = config.page
  const access = openAccess(config.page, { clock: systemClock, log })
  requireLedger(config.ledger.path)
  await using scope = new AsyncDisposableStack()
  const ledger = scope.use(followLedger(config.ledger.path))
  const deps = { ledger, config, clock: systemClock, log }
  const server = scope.use(await listening(servePage(deps, access, SITE, { hostname: host, port }), config))
  const open = scope.move()
  const url = server.url.replace(EVERY_ADDRESS, ownName())
  return { url, flowerUrl: `${url}flower`, [Symbol.asyncDispose]: () => open.disposeAsync() }
}

/** As `openPage`; at any port that is free where another program has the one that is configured. */
export async function openPageSomewhere(
  start: PageStart,
): Promise<OpenPage & { readonly isElsewhere: boolean }> {
  const { page } = start.config
  try {
    return { ...(await openPage(start)), isElsewhere: false }
  } catch (error) {
    if (!(error instanceof PageUnavailable)) throw error
    const config = { ...start.config, page: { ...page, port: 0 } }
    return { ...(await openPage({ ...start, config })), isElsewhere: true }
  }
}

/** Nobody finds a page there from elsewhere. */
const EVERY_ADDRESS = /(?<=\/\/)(?:0\.0\.0\.0|\[::\])(?=:)/

async function listening(serving: Promise<PageServer>, { page }: PageConfig): Promise<PageServer> {
  try {
    return await serving
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : ""
    const [why, hint] = REASONS[code] ?? []
    if (why === undefined) throw cause
    throw new PageUnavailable(`the page cannot be at ${page.host}, port ${page.port}: ${why}`, {
      verdict: "stop",
      hint,
      cause,
    })
  }
}

/** By what the operating system says of it. */
const REASONS: Readonly<Record<string, readonly [why: string, hint: string]>> = {
  EADDRINUSE: ["another program is there", "Stop that one, or take another port: --port N, or PAGE_PORT."],
  EADDRNOTAVAIL: ["this machine has no such address", "Check --host or PAGE_HOST."],
  ENOTFOUND: ["there is no such name", "Check --host or PAGE_HOST."],
  EACCES: ["ports below 1024 are the system's", "Take another one: --port N, or PAGE_PORT."],
}
