const NOBODY = 65_534

/** Runs work that is done when it returns as a user whom file modes bind, also where the tests run as root. */
export function asOrdinaryUser<T>(work: () => T): T {
  if (process.geteuid?.() !== 0) return work()
  process.seteuid?.(NOBODY)
  try {
    return work()
  } finally {
    process.seteuid?.(0)
  }
}
