import { plural, safe } from "../../support/text.ts"
import type { DoctorReport } from "./doctor.ts"
import type { Finding } from "./finding.ts"

/** One line a check; below a fault, what to do. */
export function renderDoctor({ findings, faults, unknown }: DoctorReport): string {
  const width = Math.max(...findings.map(({ check }) => check.length))
  return [
    ...findings.flatMap((finding) => [lineOf(finding, width), ...fixOf(finding)]),
    "",
    faults === 0
      ? `No fault in ${plural(findings.length, "check")}${unknown === 0 ? "" : `, ${unknown} without an answer`}.`
      : `${plural(faults, "fault")} in ${plural(findings.length, "check")}.`,
  ].join("\n")
}

function lineOf({ state, check, detail }: Finding, width: number): string {
  return `${state.padEnd("unknown".length)}  ${check.padEnd(width)}  ${safe(detail)}`
}

/** As it stands, line by line: it is to be copied. */
function fixOf(finding: Finding): string[] {
  if (finding.state !== "fault") return []
  return finding.fix.split("\n").map((line) => `    ${safe(line)}`.trimEnd())
}
