/** One thing that will happen to a study, or will not. */
export interface NextStep {
  /**
   * `next run`: of `run` or a running `schedule`, and of `copy` where discovery has no part in it; `never`: not by
   * itself.
   */
  readonly when: "now" | "next run" | "never" | "done" | "unknown"
  readonly what: string
  /** ISO time; before it a running schedule does not try again, while a `run` or `copy` that is started does. */
  readonly not_before: string | null
  /** What would have it otherwise, in words. */
  readonly unless: string | null
  /** What an operator may run to have it otherwise, or at once. */
  readonly command: string | null
}

export type StepOptions = Partial<Pick<NextStep, "not_before" | "unless" | "command">>

export function step(when: NextStep["when"], what: string, options: StepOptions = {}): NextStep {
  return { when, what, not_before: null, unless: null, command: null, ...options }
}
