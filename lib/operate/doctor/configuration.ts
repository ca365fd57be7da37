import { fault, ok, type Result } from "./finding.ts"
import type { Settings } from "./settings.ts"

/** Every variable that any script asks for. */
export function checkConfiguration({ problems }: Settings): Result {
  if (problems.length === 0) return ok("complete")
  return fault(
    problems.length === 1 ? "a variable is wrong" : `${problems.length} variables are wrong`,
    ["Set in the environment or in .env:", ...problems.map((problem) => `  ${problem}`)].join("\n"),
  )
}
