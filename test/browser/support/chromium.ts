import { type Browser, chromium } from "playwright-core"

/** Chromium as systems name it; Google's own is the same browser. */
const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]

/** Only what is asked for leaves the browser: no updates, no reports, no guesses of what comes next. */
const QUIET = [
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-domain-reliability",
  "--disable-quic",
  "--disable-sync",
  "--no-first-run",
  "--no-pings",
]

/** Starts the system's Chromium without a window. @throws Error that says what to install where there is none */
export async function startChromium(): Promise<Browser> {
  const executablePath = NAMES.map((name) => Bun.which(name)).find((path) => path !== null)
  if (executablePath === undefined) {
    throw new Error("there is no Chromium on PATH; on Debian: apt-get update && apt-get install -y chromium")
  }
  // Its sandbox refuses to be root's.
  const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : []
  return await chromium.launch({ executablePath, args: [...QUIET, ...sandbox] })
}
