import { type Html, html } from "../../support/html.ts"
import { plural } from "../../support/text.ts"
import type { RenderContext, View } from "../page.ts"

export interface Login {
  /** Where to go then; a path behind the base. */
  readonly to: string
  /** As it was typed before. */
  readonly user?: string
  /** Why it did not work. */
  readonly problem?: "wrong" | { readonly waitSeconds: number }
}

export function loginView({ to, user = "", problem }: Login, { base }: RenderContext): View {
  const body = html`<form class="login panel" method="post" action="${base}/login">
${problem !== undefined && html`<p class="bad" role="alert" id="login-problem">${told(problem)}</p>`}
<input type="hidden" name="to" value="${to}">
<label>Name<input name="user" value="${user}" autocomplete="username" autocapitalize="none" spellcheck="false" required${focused(user === "")}></label>
<label>Password<input name="password" type="password" autocomplete="current-password" required${focused(user !== "")}></label>
<p><button class="main">Log in</button></p>
</form>`
  return { title: "Log in", nav: "", body }
}

function told(problem: "wrong" | { readonly waitSeconds: number }): string {
  return problem === "wrong"
    ? "The name or the password is wrong."
    : `Too many wrong tries. Try again in ${plural(problem.waitSeconds, "second")}.`
}

function focused(isFirst: boolean): Html | false {
  return isFirst && html` autofocus`
}
