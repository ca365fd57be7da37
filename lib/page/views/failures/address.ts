import {
  FAILURE_VERDICTS,
  type FailureClass,
  type FailureKey,
  type FailureKind,
} from "../../../ledger/page/failures.ts"

const KINDS: readonly FailureKind[] = ["object", "study", "header", "image", "series", "thumbnail"]

/** Where a class, or a part of it, is looked at; behind the base. */
export function classPath({ verdict, errorClass }: FailureClass, after?: FailureKey): string {
  const query = new URLSearchParams({ verdict, class: errorClass })
  if (after !== undefined) query.set("after", `${after.kind}.${after.number}.${after.id}`)
  return `/failures?${query}`
}

/** The class that an address asks for; undefined: all of them. */
export function classAsked(query: URLSearchParams): FailureClass | undefined {
  const verdict = FAILURE_VERDICTS.find((each) => each === query.get("verdict"))
  const errorClass = query.get("class")
  return verdict && errorClass ? { verdict, errorClass } : undefined
}

/** Behind what the asked part begins; undefined: at the beginning. */
export function keyAsked(query: URLSearchParams): FailureKey | undefined {
  const [, kindText, number, id = ""] = /^(\w+)\.(\d{1,15})\.(.*)$/s.exec(query.get("after") ?? "") ?? []
  const kind = KINDS.find((each) => each === kindText)
  return kind === undefined ? undefined : { kind, number: Number(number), id }
}
