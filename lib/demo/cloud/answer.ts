/** What a handler decides to answer, before faults and the runtime have their say. */
export interface Answer {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body?: Uint8Array | string
  /** Sent without a Content-Length. */
  readonly chunked?: boolean
}

/** Ends a request with an answer from wherever the rule that it breaks is checked. */
export class Refusal extends Error {
  readonly answer: Answer

  constructor(answer: Answer) {
    super(`HTTP ${answer.status}`)
    this.name = "Refusal"
    this.answer = answer
  }
}

/** Bytes of the body that go over the wire: none to a HEAD. */
export function sentLength(answer: Answer, verb: string): number {
  return verb === "HEAD" ? 0 : bodyLength(answer)
}

export function bodyLength(answer: Answer): number {
  if (answer.body === undefined) return 0
  return typeof answer.body === "string" ? Buffer.byteLength(answer.body) : answer.body.byteLength
}
