import { OBJECTS_PER_STUDY, type Workload } from "./workload.ts"

export interface Benchmark {
  readonly name: string
  readonly what: string
  readonly workload: Workload
  readonly measure: Measure
  /** Throughput of the copy step divided by the bare loop's: the least that passes, and what is wanted. */
  readonly floor: number
  readonly goal: number
  /** Throughput of a bare loop below which the server is what is measured. */
  readonly leastBare: number
}

/** What throughput and CPU time are told in. */
export interface Measure {
  readonly throughputUnit: string
  readonly cpuUnit: string
  /** Of one round, in units of throughput times seconds. */
  readonly amount: (workload: Workload) => number
  /** Of one round, from CPU seconds. */
  readonly cpu: (seconds: number, workload: Workload) => number
}

const objectsOf = ({ studies }: Workload) => studies * OBJECTS_PER_STUDY
const bytesOf = (workload: Workload) => objectsOf(workload) * workload.objectBytes

const BYTES: Measure = {
  throughputUnit: "MB/s",
  cpuUnit: "CPU s/GB",
  amount: (workload) => bytesOf(workload) / 1e6,
  cpu: (seconds, workload) => seconds / (bytesOf(workload) / 1e9),
}

const OBJECTS: Measure = {
  throughputUnit: "objects/s",
  cpuUnit: "CPU ms/object",
  amount: objectsOf,
  cpu: (seconds, workload) => (seconds * 1000) / objectsOf(workload),
}

export const COPY_LARGE: Benchmark = {
  name: "copy-large",
  what: "objects of 12 MB",
  workload: { objectBytes: 12_000_000, studies: 40, inFlight: 16, concurrency: 8, buffered: false },
  measure: BYTES,
  floor: 0.85,
  goal: 1,
  leastBare: 500,
}

export const COPY_SMALL: Benchmark = {
  name: "copy-small",
  what: "objects of 20 kB",
  workload: { objectBytes: 20_000, studies: 1500, inFlight: 16, concurrency: 8, buffered: true },
  measure: OBJECTS,
  floor: 0.25,
  goal: 0.4,
  leastBare: 4000,
}
