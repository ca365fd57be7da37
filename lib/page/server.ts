import type { Server } from "bun"
import { LedgerBusy, LedgerUnusable } from "../ledger/errors.ts"
import { html } from "../support/html.ts"
import type { Access, Admitted } from "./access/access.ts"
import { MAX_FORM_BYTES } from "./access/form.ts"
import { type Asset, loadAssets } from "./assets.ts"
import { type FrameAssets, framed } from "./frame.ts"
import type { Live, PageDeps, PageRequest, RenderContext, Route, View } from "./page.ts"
import { document, plain, SECURITY_HEADERS } from "./respond.ts"
import { type SeriesReader, seriesReader } from "./series/reader.ts"
import { liveNow } from "./views/now/live.ts"

export interface ListenOptions {
  readonly hostname: string
  /** 0: any that is free. */
  readonly port: number
}

/** The page, as long as it is served. */
export interface PageServer extends AsyncDisposable {
  /** Where a browser finds it. */
  readonly url: string
}

/** What answers requests: routes with plain answers, and views that are put into the frame. */
export interface Site {
  readonly routes: readonly Route[]
  readonly views: readonly ViewRoute[]
}

/** A view that is looked at under a path. */
export interface ViewRoute {
  readonly path: `/${string}`
  /** Undefined where there is no such thing. */
  readonly view: (request: PageRequest) => View | undefined | Promise<View | undefined>
}

/** Where the page is: at the root, and where users of the replaced system look for it. */
const BASES = ["", "/flower"]

/** A browser that says nothing for so long is gone. */
const IDLE_SECONDS = 60

/** Serves the page until it is disposed. */
export async function servePage(
  deps: PageDeps,
  access: Access,
  site: Site,
  { hostname, port }: ListenOptions,
): Promise<PageServer> {
  const { all, frame } = await loadAssets()
  const closing = new AbortController()
  using opening = new DisposableStack()
  const [series, live] = [opening.use(seriesReader(deps)), opening.use(liveNow(deps))]
  const serving = { deps, access, frame, series, live, closing: closing.signal }
  const routes = [...access.routes, ...site.routes, ...site.views.map(routeOf), ...all.map(routeOfAsset)]
  const served = Object.fromEntries(
    BASES.flatMap((base) =>
      Map.groupBy(routes, ({ path }) => path)
        .entries()
        .flatMap(([path, methods]) => {
          const answers = methods.map((route) => [route.method, answering(serving, route, base)])
          return addressesOf(base, path).map((address) => [address, Object.fromEntries(answers)])
        })
        .toArray(),
    ),
  )
  const server = Bun.serve({
    hostname,
    port,
    idleTimeout: IDLE_SECONDS,
    maxRequestBodySize: MAX_FORM_BYTES,
    routes: served,
    fetch: () => secured(plain("there is nothing here", 404)),
    error: (error) => {
      deps.log.error({ err: error }, "a request to the page failed")
      return secured(failed(error))
    },
  })
  const open = opening.move()
  return {
    url: `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${server.port}/`,
    async [Symbol.asyncDispose]() {
      closing.abort()
      await server.stop(true)
      open.dispose()
    },
  }
}

/** What all requests are answered with. */
interface Serving {
  readonly deps: PageDeps
  readonly access: Access
  readonly frame: FrameAssets
  readonly series: SeriesReader
  readonly live: Live
  readonly closing: AbortSignal
}

/** Below a base the start is found with and without a slash at its end. */
function addressesOf(base: string, path: string): string[] {
  return path === "/" && base !== "" ? [base, `${base}/`] : [base + path]
}

function answering({ deps, access, frame, series, live, closing }: Serving, route: Route, base: string) {
  return async (request: Bun.BunRequest, server: Server<undefined>): Promise<Response> => {
    const url = URL.parse(request.url)
    if (url === null) return secured(plain("the host that was asked for is none", 400))
    const address = server.requestIP(request)?.address ?? ""
    const admitted = access.admit(request, { admits: route.admits, base, address })
    if (admitted instanceof Response) return secured(admitted)
    const context = contextOf(deps, access, admitted, base)
    const { session } = admitted
    const response = await route.handle({
      deps,
      series,
      live,
      request,
      path: url.pathname.slice(base.length) || "/",
      params: request.params,
      query: url.searchParams,
      session,
      address,
      context,
      show: (view, status) => document(framed(view, context, frame, session), status),
      signal: AbortSignal.any([request.signal, closing]),
    })
    if (response.headers.get("content-type") === "text/event-stream") server.timeout(request, 0)
    return secured(response, admitted.cookie)
  }
}

function contextOf(
  { config, clock }: PageDeps,
  access: Access,
  { session }: Admitted,
  base: string,
): RenderContext {
  return {
    base,
    isStatic: false,
    timezone: config.schedule.timezone,
    now: clock.now(),
    csrf: session && access.csrfOf(session),
  }
}

function routeOf({ path, view }: ViewRoute): Route {
  return {
    path,
    method: "GET",
    admits: "session",
    async handle(request) {
      const found = await view(request)
      return found === undefined
        ? request.show({ title: "Not here", nav: "", body: NOT_HERE }, 404)
        : request.show(found)
    },
  }
}

const NOT_HERE = html`<p class="nothing">There is nothing under this address. What the ledger forgot, or never knew, is not shown.</p>`

/** Its name changes with its content. */
function routeOfAsset({ path, type, text }: Asset): Route {
  return {
    path,
    method: "GET",
    admits: "anybody",
    handle: () =>
      new Response(text, {
        headers: {
          "content-type": `${type}; charset=utf-8`,
          "cache-control": "public, max-age=31536000, immutable",
        },
      }),
  }
}

/** What is wrong with the ledger is for whoever looks; anything else is a defect. */
function failed(error: unknown): Response {
  if (error instanceof LedgerUnusable || error instanceof LedgerBusy)
    return plain(`${error.message}\n${error.hint}`, 503)
  return plain("this did not work; the log tells why", 500)
}

function secured(response: Response, cookie?: string): Response {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.headers.set(name, value)
  // A login or a logout sets its own.
  if (cookie !== undefined && !response.headers.has("set-cookie")) response.headers.set("set-cookie", cookie)
  return response
}
