/** One server-sent event; a comment is one without a name. */
export interface ServerEvent {
  readonly name: string | undefined
  readonly data: string
}

/** What a listener hears, block by block, as the HTML standard (section 9.2.6) reads it. */
export interface Listener extends AsyncDisposable {
  /** Undefined when the stream has ended. */
  next(): Promise<ServerEvent | undefined>
  /** The next event of that name that says so. */
  hear(name: string, saying?: string): Promise<ServerEvent>
}

export function listener(response: Response): Listener {
  const reader = response.body!.getReader()
  const decoder = new TextDecoder()
  let text = ""

  async function next(): Promise<ServerEvent | undefined> {
    for (;;) {
      const end = text.indexOf("\n\n")
      if (end >= 0) {
        const block = text.slice(0, end)
        text = text.slice(end + 2)
        return eventOf(block)
      }
      const { done, value } = await reader.read()
      if (done) return undefined
      text += decoder.decode(value, { stream: true })
    }
  }

  return {
    next,
    async hear(name, saying = "") {
      for (let event = await next(); event !== undefined; event = await next())
        if (event.name === name && event.data.includes(saying)) return event
      throw new Error(`the stream ended without ${name} saying ${saying}`)
    },
    [Symbol.asyncDispose]: () => reader.cancel(),
  }
}

function eventOf(block: string): ServerEvent {
  const fields = block.split(/\r\n|\r|\n/)
  const valuesOf = (field: string) =>
    fields.filter((line) => line.startsWith(`${field}: `)).map((line) => line.slice(field.length + 2))
  return { name: valuesOf("event")[0], data: valuesOf("data").join("\n") }
}
