/** One thing that has to be well. */
export interface Check {
  readonly name: "ledger" | "scheduler" | "last run" | "ledger disk" | "spool disk"
  readonly status: "ok" | "failing"
  /** Why; for whoever is logged in. */
  readonly detail: string
}

export function well(name: Check["name"], detail: string): Check {
  return { name, status: "ok", detail }
}

export function failing(name: Check["name"], detail: string): Check {
  return { name, status: "failing", detail }
}
