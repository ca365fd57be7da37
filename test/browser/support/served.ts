import { freePort } from "../../support/free-port.ts"
import type { Hospital } from "../../support/hospital.ts"
import { startScript } from "../../support/process.ts"

/** The page of a hospital's box, served by a process of its own as an operator starts it. */
export interface Served extends AsyncDisposable {
  /** Without a slash at its end. */
  readonly url: string
}

/** Who may log in where somebody must. */
export const USER = "etl"
export const PASSWORD = "a horse, a battery & <staples>"

/** What makes the page ask for a name and a password. */
export const WITH_LOGIN = {
  FLOWER_USER: USER,
  FLOWER_PASSWORD: PASSWORD,
  SECRET_KEY: "of this test and of nobody else, 64 characters or a few more of them",
}

/** Serves it until it is disposed. @param env on top of the box's own */
export async function serve(hospital: Hospital, env: Readonly<Record<string, string>> = {}): Promise<Served> {
  const port = freePort()
  const script = startScript(["scripts/dashboard.ts"], {
    env: { ...hospital.env, PAGE_PORT: String(port), ...env },
  })
  await script.saysOnStderr("The page is at ")
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: () => script[Symbol.asyncDispose]() }
}
