import { Counter, Gauge, Registry } from "prom-client"

export interface Sample {
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

/** A document of metrics, as it is put together. */
export interface Exposition {
  /** What goes up and down. @param name with its unit, and without `_total` */
  gauge(name: string, help: string, samples: number | readonly Sample[]): void
  /** What only grows. @param name ends with `_total`, before that its unit */
  counter(name: string, help: string, samples: number | readonly Sample[]): void
  text(): Promise<string>
}

/** The version of the format that `text` writes. */
export const CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE

/** https://prometheus.io/docs/instrumenting/exposition_formats, version 0.0.4. */
export function exposition(): Exposition {
  const registry = new Registry()
  const settings = (name: string, help: string, samples: readonly Sample[]) => ({
    name,
    help,
    // One without labels would be 0 where there is none.
    labelNames: samples[0] === undefined ? ["none"] : Object.keys(samples[0].labels ?? {}),
    registers: [registry],
  })
  return {
    gauge(name, help, given) {
      const samples = listOf(given)
      const gauge = new Gauge(settings(name, help, samples))
      for (const { labels = {}, value } of samples) gauge.set(labels, value)
    },
    counter(name, help, given) {
      const samples = listOf(given)
      const counter = new Counter(settings(name, help, samples))
      for (const { labels = {}, value } of samples) counter.inc(labels, value)
    },
    text: () => registry.metrics(),
  }
}

function listOf(given: number | readonly Sample[]): readonly Sample[] {
  return typeof given === "number" ? [{ value: given }] : given
}
