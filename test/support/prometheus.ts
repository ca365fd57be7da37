/** A metric as the text format has it. */
export interface Family {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[]
}

/**
 * Reads the text format of Prometheus, version 0.0.4, and takes nothing else: HELP and then TYPE before the samples of a
 * metric, every metric once and in one piece, every sample once.
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
export function parseMetrics(text: string): Map<string, Family> {
  if (!text.endsWith("\n")) throw new Error("the last line has no end")
  const families = new Map<string, Family>()
  const lines = text.slice(0, -1).split("\n")
  for (let n = 0; n < lines.length; ) {
    if (lines[n] === "") {
      n += 1
      continue
    }
    const [, name, help] = must(/^# HELP ([a-zA-Z_:][\w:]*) (.+)$/, lines[n]!)
    const [, typed, type] = must(/^# TYPE (\S+) (counter|gauge|untyped)$/, lines[n + 1]!)
    if (typed !== name || families.has(name!)) throw new Error(`${name} stands twice, or under another name`)
    const samples = []
    const seen = new Set<string>()
    for (n += 2; n < lines.length && lines[n] !== "" && !lines[n]!.startsWith("#"); n += 1) {
      const [, of, labels = "", value] = must(SAMPLE, lines[n]!)
      if (of !== name || seen.has(labels)) throw new Error(`not one more of ${name}: ${lines[n]}`)
      seen.add(labels)
      samples.push({ labels: labelsOf(labels), value: Number(value) })
    }
    families.set(name!, { name: name!, type: type!, help: unescaped(help!), samples })
  }
  return families
}

const LABEL = String.raw`[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*"`
const VALUE = String.raw`[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?|NaN|[+-]Inf`
const SAMPLE = new RegExp(String.raw`^([a-zA-Z_:][\w:]*)(?:\{(${LABEL}(?:,${LABEL})*)\})? (${VALUE})$`)

function labelsOf(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(new RegExp(LABEL, "g"))].map(([label]) => {
      const [, name, value] = must(/^(\w+)="(.*)"$/, label)
      return [name!, unescaped(value!)]
    }),
  )
}

function unescaped(text: string): string {
  return text.replace(/\\(["\\n])/g, (_, char) => (char === "n" ? "\n" : char))
}

function must(pattern: RegExp, line: string): RegExpExecArray {
  const match = pattern.exec(line)
  if (match === null) throw new Error(`not of the format: ${line}`)
  return match
}
