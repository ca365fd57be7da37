import { sentForm } from "../../../lib/page/access/form.ts"
import { openAccess } from "../../../lib/page/access/open.ts"
import { PAGE_PARTS, type PageConfig } from "../../../lib/page/page.ts"
import { plain } from "../../../lib/page/respond.ts"
import { type PageServer, type Site, servePage } from "../../../lib/page/server.ts"
import { loadConfig } from "../../../lib/support/config.ts"
import { html } from "../../../lib/support/html.ts"
import { createLogger } from "../../../lib/support/log.ts"
import { redactor } from "../../../lib/support/redact.ts"
import { type TestLedger, testLedger } from "../../support/ledger.ts"

/** A page with a view, a form, and a machine's endpoint of either kind; and the log of it. */
export interface TestPage extends AsyncDisposable {
  readonly bench: TestLedger
  readonly url: string
  /** `127.0.0.1:5555` */
  readonly host: string
  readonly logged: readonly string[]
  /** Never follows a redirect. */
  ask(path: string, init?: RequestInit): Promise<Response>
  /** Sends a form as a browser does. @param origin where it stood, null: the browser does not tell */
  send(
    path: string,
    fields: Readonly<Record<string, string>>,
    options?: { readonly headers?: Record<string, string>; readonly origin?: string | null },
  ): Promise<Response>
}

export function pageConfig(env: Readonly<Record<string, string>> = {}, bench?: TestLedger): PageConfig {
  return loadConfig(PAGE_PARTS, {
    DESTINATION_URI: "file:///nonexistent",
    ...(bench && { LEDGER_PATH: bench.path, SPOOL_DIR: bench.dir.file("tmp") }),
    ...env,
  })
}

export async function openTestPage(
  env: Readonly<Record<string, string>> = {},
  { bench = testLedger(), site = SITE }: { readonly bench?: TestLedger; readonly site?: Site } = {},
): Promise<TestPage> {
  const config = pageConfig(env, bench)
  const logged: string[] = []
  const log = createLogger({ level: "DEBUG", redact: redactor([]), write: (line) => logged.push(line) })
  const { ledger, clock } = bench
  const access = openAccess(config.page, { clock, log })
  const listen = { hostname: "127.0.0.1", port: 0 }
  const server: PageServer = await servePage({ ledger, config, clock, log }, access, site, listen)
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(new URL(path, server.url), { redirect: "manual", ...init })
  return {
    bench,
    url: server.url,
    host: new URL(server.url).host,
    logged,
    ask,
    send(path, fields, { headers, origin = server.url.slice(0, -1) } = {}) {
      const body = new URLSearchParams(fields)
      return ask(path, { method: "POST", body, headers: { ...(origin !== null && { origin }), ...headers } })
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      bench[Symbol.dispose]()
    },
  }
}

const SITE: Site = {
  views: [
    {
      path: "/",
      view: ({ context }) => ({ title: "Start", nav: "Now", body: html`<i>${context.csrf}</i>` }),
    },
    { path: "/failures", view: () => ({ title: "Failures", nav: "Failures", body: html`` }) },
  ],
  routes: [
    {
      path: "/do",
      method: "POST",
      admits: "session",
      async handle(request) {
        const form = await sentForm(request)
        return form instanceof Response ? form : plain(`done by ${request.session?.user}`, 200)
      },
    },
    {
      path: "/watch",
      method: "GET",
      admits: "monitor",
      handle: ({ session }) => plain(`${session?.user}`, 200),
    },
    {
      path: "/pulse",
      method: "GET",
      admits: "anybody-or-monitor",
      handle: ({ session }) => plain(session?.user ?? "nobody", 200),
    },
  ],
}
