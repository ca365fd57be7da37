import type { Action } from "../../../ledger/actions.ts"
import { FAILURE_VERDICTS, type FailureCount, type FailureLine } from "../../../ledger/page/failures.ts"
import { type Html, type HtmlValue, html } from "../../../support/html.ts"
import { count, plural } from "../../../support/text.ts"
import { targetText } from "../../actions/told.ts"
import type { RenderContext } from "../../page.ts"
import { withCommands } from "../../parts/command.ts"
import { link, studyLink } from "../../parts/link.ts"
import { pager } from "../../parts/pager.ts"
import { badge, nothing, panel } from "../../parts/panel.ts"
import { retryForm } from "../../parts/retry-form.ts"
import { table } from "../../parts/table.ts"
import { moment } from "../../parts/time.ts"
import { classPath } from "./address.ts"
import type { FailureClassData, FailureExample, FailuresData } from "./read.ts"
import { kindsText, kindText, VERDICTS, whatNext } from "./words.ts"

/** All classes, by what becomes of them. */
export function renderFailures({ classes, more, actions }: FailuresData, context: RenderContext): Html {
  const panels = FAILURE_VERDICTS.map((verdict) => {
    const those = classes.filter((each) => each.verdict === verdict)
    const { heading, note } = VERDICTS[verdict]
    return those.length > 0 && panel(heading, list(those.map((each) => classItem(each, context))), note)
  })
  return html`${classes.length === 0 && panel("Failures", nothing("Nothing failed."))}
${panels}
${more.classes > 0 && html`<p class="note">And ${plural(more.failures, "failure")} of ${plural(more.classes, "more class", "more classes")}: ${withCommands("bun run status")} tells all.</p>`}
${!context.isStatic && actionsPanel(actions, context)}`
}

/** A part of one class. */
export function renderFailureClass(data: FailureClassData, context: RenderContext): Html {
  const { of, total, lines, next, isFirst } = data
  const { heading, note } = VERDICTS[of.verdict]
  const back = html`<p class="back">${link("/failures", "All failures", context)}</p>`
  if (total === undefined)
    return html`${back}${panel(heading, nothing(`Nothing fails by ${of.errorClass} any more.`))}`
  const body = html`<div class="bar"><p>${kindsOf(total)}</p>${retryForm(of, context)}</div>
${list(lines.map((line) => html`<li class="failure">${failureOf(line, context)}</li>`))}
${pager("Failures of this class", [
  { text: "From the beginning", href: isFirst ? undefined : context.base + classPath(of) },
  { text: "Next", href: next && context.base + classPath(of, next) },
])}`
  return html`${back}${panel(heading, body, note)}`
}

function list(items: readonly Html[]): Html {
  return html`<ul class="entries">${items}</ul>`
}

function classItem({ example, ...total }: FailureExample, context: RenderContext): Html {
  // Of many there may be others that can be.
  const canRetry = total.count > 1 || (example?.lock === null && !example.isQueued)
  return html`<li class="failure">
<div class="bar"><h3>${link(classPath(total), total.errorClass, context)} ${badge(count(total.count), VERDICTS[total.verdict].tone)}</h3>${canRetry && retryForm(total, context)}</div>
${(total.count > 1 || total.kinds.length > 1) && html`<p class="note">${kindsOf(total)}; one of them:</p>`}
${example && failureOf(example, context)}
</li>`
}

function kindsOf({ kinds }: FailureCount): string {
  return kinds.map(({ kind, count: n }) => kindsText(kind, n)).join(", ")
}

function failureOf(line: FailureLine, context: RenderContext): Html {
  const { kind, path, errorMessage, studyId, tries } = line
  const facts: HtmlValue[] = [
    kindText(kind),
    studyId !== null && html`study ${studyLink(studyId, context)}`,
    tries !== null && html`tried ${tries === 1 ? "once" : `${count(tries)} times`}`,
  ]
  return html`<p class="message">${errorMessage}</p>
<p class="code">${path}</p>
<p class="facts">${facts.map((fact) => fact && html`<span>${fact}</span>`)}</p>
<p class="next"><span class="quiet">Next:</span> ${withCommands(whatNext(line))}${line.lock !== null && html`: see ${link("/locks", "Locks", context)}`}</p>`
}

function actionsPanel(actions: readonly Action[], context: RenderContext): Html {
  const body =
    actions.length === 0
      ? nothing("Nobody has asked for anything yet.")
      : table(
          "What was asked for on this page",
          [
            { heading: "When" },
            { heading: "Who" },
            { heading: "From" },
            { heading: "Retry of" },
            { heading: "Queued", isNumber: true },
          ],
          actions.map(({ at, who, address, target, queued }) => [
            moment(at, context),
            who,
            address,
            targetText(target, context),
            queued,
          ]),
        )
  return panel("Asked for on this page", body, "the last ten times")
}
