import type { Browser, ConsoleMessage, Cookie, Page, Request, Response } from "playwright-core"

/** As what the page is looked at. */
export interface Appearance {
  readonly width: 1280 | 400
  readonly scheme: "light" | "dark"
}

export interface VisitorOptions extends Partial<Appearance> {
  /** Whether scripts run (true). */
  readonly javaScript?: boolean
  /** Of a session (none). */
  readonly cookies?: readonly Cookie[]
  /** Put into every document before its own scripts. */
  readonly scripts?: readonly string[]
}

/** Somebody who looks at the page with a browser of their own, without cookies at first. */
export interface Visitor extends AsyncDisposable {
  readonly page: Page
  /**
   * Errors of scripts, violations of the policy, dialogs, requests that failed, were answered with an error, or left the
   * server: what no visit may bring. In the order in which it came.
   */
  readonly trouble: readonly string[]
  /** Everything that was loaded since `goto` was called last. */
  readonly loaded: readonly Response[]
  /** Opens an address of the server and waits until everything is there. @returns the document's answer */
  goto(path: string): Promise<Response>
}

const HEIGHT = 900

/** @param url of the server, without a slash at its end; nothing else is to be asked */
export async function visit(browser: Browser, url: string, options: VisitorOptions = {}): Promise<Visitor> {
  const { width = 1280, scheme = "light", javaScript = true, cookies = [], scripts = [] } = options
  const context = await browser.newContext({
    viewport: { width, height: HEIGHT },
    colorScheme: scheme,
    javaScriptEnabled: javaScript,
    reducedMotion: "reduce",
  })
  await context.addCookies(cookies)
  for (const content of scripts) await context.addInitScript({ content })
  const page = await context.newPage()
  const trouble: string[] = []
  let loaded: Response[] = []
  watch(page, url, (what) => trouble.push(what))
  page.on("response", (response) => loaded.push(response))
  return {
    page,
    trouble,
    get loaded() {
      return loaded
    },
    async goto(path) {
      loaded = []
      // Live parts keep one request open for good: the network is never idle.
      const answer = await page.goto(url + path, { waitUntil: "load" })
      return answer!
    },
    [Symbol.asyncDispose]: () => context.close(),
  }
}

function watch(page: Page, url: string, tell: (what: string) => void) {
  page.on("pageerror", (error) => tell(`error: ${error.message}`))
  page.on("console", (message) => isComplaint(message) && tell(`console: ${message.text()}`))
  page.on("dialog", async (dialog) => {
    tell(`dialog: ${dialog.message()}`)
    await dialog.dismiss()
  })
  page.on("request", (request) => isElsewhere(request, url) && tell(`left the server: ${request.url()}`))
  page.on("requestfailed", (request) => isFailure(request) && tell(`failed: ${told(request)}`))
  page.on("response", (response) => {
    if (response.status() >= 400) tell(`answered ${response.status()}: ${response.url()}`)
  })
}

function isComplaint(message: ConsoleMessage): boolean {
  return message.type() === "error" || message.type() === "warning"
}

function isElsewhere(request: Request, url: string): boolean {
  return !request.url().startsWith(`${url}/`) && !request.url().startsWith("data:")
}

/** Whoever leaves a page ends what it was loading. */
function isFailure(request: Request): boolean {
  return request.failure()?.errorText !== "net::ERR_ABORTED"
}

function told(request: Request): string {
  return `${request.method()} ${request.url()}: ${request.failure()?.errorText}`
}

/**
 * Waits until an expression holds in the document; a test that waits in vain ends by its own limit. Playwright's
 * `waitForFunction` evaluates strings within the document, which the page's policy forbids.
 */
export async function until(page: Page, expression: string) {
  while (!(await page.evaluate<boolean>(expression))) await page.waitForTimeout(50)
}
