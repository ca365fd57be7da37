import type { Browser, Cookie } from "playwright-core"
import { freePort } from "../../support/free-port.ts"
import { startScript } from "../../support/process.ts"
import { type Visitor, visit } from "./visitor.ts"

/** The page of a box, served by a process of its own as an operator starts it. */
export interface Served extends AsyncDisposable {
  /** Without a slash at its end. */
  readonly url: string
}

/** Who may log in where somebody must. */
export const USER = "etl"
export const PASSWORD = "a horse, a battery & <staples>"

/** What makes the page ask for them. */
export const WITH_LOGIN = {
  FLOWER_USER: USER,
  FLOWER_PASSWORD: PASSWORD,
  SECRET_KEY: "of these tests and of nobody else, and longer than anybody would type it",
}

/** Serves the page of a box that has this environment, until it is disposed. */
export async function serve(env: Readonly<Record<string, string>>): Promise<Served> {
  const port = freePort()
  const script = startScript(["scripts/dashboard.ts"], { env: { ...env, PAGE_PORT: String(port) } })
  await script.saysOnStdout("The page is at ").catch(async (cause) => {
    throw new Error(`the page did not start:\n${(await script.finished).stderr}`, { cause })
  })
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: () => script[Symbol.asyncDispose]() }
}

/** Sends the form of the login, which the visitor is looking at, and waits for the answer. */
export async function sendLogin({ page }: Visitor, password = PASSWORD, user = USER) {
  await page.getByLabel("Name").fill(user)
  await page.getByLabel("Password").fill(password)
  await Promise.all([page.waitForEvent("load"), page.getByRole("button", { name: "Log in" }).click()])
}

/** Logs in as somebody does. @returns what a browser then keeps */
export async function logIn(browser: Browser, { url }: Served): Promise<Cookie[]> {
  await using visitor = await visit(browser, url)
  await visitor.goto("/login")
  await sendLogin(visitor)
  return await visitor.page.context().cookies()
}
