import fc from "fast-check"
import type { FaultRule } from "../../../lib/demo/cloud/faults.ts"
import { type CopyOptions, copyStudies } from "../../../lib/pipeline/copy/copy.ts"
import { discover } from "../../../lib/pipeline/discover/discover.ts"
import { verify } from "../../../lib/pipeline/verify/verify.ts"
import type { Stop } from "../../../lib/support/stop.ts"
import { DAY } from "../../support/ledger.ts"
import { type Doctor, type ModelStudy, metadataKey, receiptKey, STUDIES } from "./hospital.ts"
import type { Fate } from "./life.ts"
import { type Done, expectPromises, lookBefore } from "./promises.ts"
import { DESTINATION, type World } from "./world.ts"

/** Something that happens in the world: by a process of ours, in the hospital, or by somebody else. */
interface Step {
  readonly text: string
  /** Notes in `done` what the promises depend on. */
  run(world: World, done: Done): Promise<unknown> | unknown
}

/** A step of fast-check's, held against every promise when it is done. */
export class Checked implements fc.AsyncCommand<object, World> {
  constructor(private readonly step: Step) {}

  check() {
    return true
  }

  async run(_: object, world: World) {
    const before = lookBefore(world)
    const done: Done = {}
    await this.step.run(world, done)
    expectPromises(world, before, done)
  }

  toString() {
    return this.step.text
  }
}

const study = fc.constantFrom(...STUDIES)
const number = fc.nat(2)
const nameOf = (one: ModelStudy) => `study ${STUDIES.indexOf(one)}`

const hospitalSteps: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(study, number).map(([one, n]) => ({
    text: `image ${n} of ${nameOf(one)} comes or goes`,
    run: ({ source }: World) => source.toggleImage(one, n),
  })),
  fc.tuple(study, number, fc.boolean()).map(([one, n, row]) => ({
    text: `image ${n} of ${nameOf(one)} is replaced${row ? "" : " silently"}`,
    run: ({ source }: World) => source.replaceImage(one, n, { row }),
  })),
  fc.tuple(study, number).map(([one, n]) => ({
    text: `file ${n} of ${nameOf(one)} is lost or found`,
    run: ({ source }: World) => source.toggleFile(one, n),
  })),
  fc.tuple(study, number).map(([one, n]) => ({
    text: `report ${n} of ${nameOf(one)} is edited`,
    run: ({ source }: World) => source.editReport(one, n),
  })),
  fc.tuple(study, number).map(([one, n]) => ({
    text: `report ${n} of ${nameOf(one)} is signed or not`,
    run: ({ source }: World) => source.toggleSigned(one, n),
  })),
  study.map((one) => ({
    text: `${nameOf(one)} is migrated or not`,
    run: ({ source }: World) => source.toggleMigrated(one),
  })),
  study.map((one) => ({
    text: `${nameOf(one)} is described`,
    run: ({ source }: World) => source.describe(one),
  })),
  fc
    .shuffledSubarray<Doctor>(["ana", "bea", "carl"], { minLength: 2, maxLength: 2 })
    .map(([first, second]) => ({
      text: `${first} and ${second} lead the ranking`,
      run: ({ source }: World) => source.rank(first!, second!),
    })),
)

/** A key of the study at the destination, whether or not there is something. */
const keys = (one: ModelStudy) => [
  receiptKey(one),
  metadataKey(one),
  ...one.reports.map(({ key }) => key),
  ...one.images.map(({ key }) => key),
  ...one.listed,
]
const key = study.chain((one) =>
  fc.constantFrom(...keys(one).map((name, n) => ({ name, text: `key ${n} of ${nameOf(one)}` }))),
)

const meddling: fc.Arbitrary<Step> = fc.oneof(
  key.map(({ name, text }) => ({
    text: `somebody removes ${text}`,
    run: ({ history }: World) => history.meddle(name, undefined),
  })),
  key.map(({ name, text }) => ({
    text: `somebody overwrites ${text}`,
    run: ({ history }: World) => history.meddle(name, "somebody else's"),
  })),
  key.map(({ name, text }) => ({
    text: `somebody else copies ${text}`,
    run: ({ history, source }: World) =>
      history.meddle(name, source.contentsOf(name).at(-1) ?? "somebody else's"),
  })),
)

/** Nobody reads the bytes of receipts again. */
const rotting: fc.Arbitrary<Step> = key
  .filter(({ name }) => !name.startsWith("_receipts/"))
  .map(({ name, text }) => ({
    text: `${text} rots`,
    run: ({ cloud }: World) => cloud.describe(DESTINATION, name) && cloud.corrupt(DESTINATION, name),
  }))

const time: fc.Arbitrary<Step> = fc.constantFrom(61_000, DAY, 31 * DAY).map((ms) => ({
  text: `${ms / 1000} s pass`,
  run: ({ advance }: World) => advance(ms),
}))

/** What may happen to a process: the operation at which it does, and what. */
type Chance =
  | { readonly at: number; readonly what: "dies" | "is asked to stop" | "is stopped" | readonly Step[] }
  | undefined

function discovering(limit: number | undefined, chance: Chance): Step {
  return {
    text: `discover${limit === undefined ? "" : ` --limit ${limit}`}${textOf(chance)}`,
    run: (world, done) => {
      done.discovered = true
      return asProcess(world, done, chance, (deps, stop) => discover(deps, { limit }, stop))
    },
  }
}

interface Copying extends Pick<CopyOptions, "limit" | "retryFailed" | "force"> {
  readonly studies: readonly ModelStudy[]
  readonly faults: readonly FaultRule[]
}

function copying({ studies, faults, ...options }: Copying, chance: Chance): Step {
  const words = [
    ...studies.map(nameOf),
    ...Object.entries(options)
      .filter(([, value]) => value)
      .flat(),
    ...faults.map((fault) => JSON.stringify(fault)),
  ]
  return {
    text: `copy ${words.join(" ")}${textOf(chance)}`,
    async run(world, done) {
      const studyIds = studies.map(({ id }) => id)
      // Ids that the ledger does not know are looked up in the database.
      if (studies.length > 0) done.discovered = true
      using rules = new DisposableStack()
      for (const rule of faults) rules.use(world.cloud.fail(rule))
      const report = await asProcess(world, done, chance, (deps, stop) =>
        copyStudies(deps, { ...options, studyIds, concurrency: 2 }, stop),
      )
      const isWhole = studies.length === 0 && options.limit === undefined && faults.length === 0
      if (report !== undefined && chance === undefined && isWhole) done.copiedAll = true
    },
  }
}

function verifying({ repair, read }: { repair: boolean; read: boolean }, chance: Chance): Step {
  return {
    text: `verify${repair ? " --repair" : ""}${read ? " --read" : ""}${textOf(chance)}`,
    run: (world, done) => {
      if (repair) done.repaired = true
      return asProcess(world, done, chance, (deps, stop) => verify(deps, { repair, read }, stop))
    },
  }
}

async function asProcess<T>(
  world: World,
  done: Done,
  chance: Chance,
  work: Parameters<typeof world.process<T>>[0],
): Promise<T | undefined> {
  const requested = new AbortController()
  const forced = new AbortController()
  const stop: Stop = { requested: requested.signal, forced: forced.signal }
  const result = await world.process(work, { stop, fate: fateOf(world, done, chance, requested, forced) })
  if (result === undefined) done.interrupted = true
  return result
}

function fateOf(
  world: World,
  done: Done,
  chance: Chance,
  requested: AbortController,
  forced: AbortController,
): Fate | undefined {
  if (chance === undefined) return undefined
  const { at, what } = chance
  if (what === "dies") return { at }
  const meanwhile = async () => {
    if (typeof what === "string") {
      requested.abort(new Error("asked to stop"))
      if (what === "is stopped") forced.abort(new Error("stopped"))
      return
    }
    for (const step of what) await step.run(world, done)
    // Who waits has not tried yet what came meanwhile.
    done.copiedAll = false
  }
  return { at, meanwhile }
}

function textOf(chance: Chance): string {
  if (chance === undefined) return ""
  const { at, what } = chance
  const told = typeof what === "string" ? what : `waits while ${what.map(({ text }) => text).join(", ")}`
  return ` (${told} at ${at})`
}

const fault: fc.Arbitrary<FaultRule> = fc.record({
  operation: fc.constantFrom("gcs.insert", "gcs.get", "gcs.list", "s3.get", "s3.head", "s3.list"),
  fault: fc.constantFrom(
    { kind: "status", status: 503 } as const,
    { kind: "status", status: 503, afterEffect: true } as const,
    { kind: "reset", afterEffect: true } as const,
    { kind: "cut", bytes: 20, end: "close" } as const,
  ),
  nth: fc.integer({ min: 1, max: 6 }),
  times: fc.integer({ min: 1, max: 8 }),
})

const limit = fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined, freq: 4 })

const howToCopy: fc.Arbitrary<Copying> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Copying>({ studies: [], faults: [] }) },
  {
    weight: 4,
    arbitrary: fc
      .record({
        studies: fc.oneof(fc.constant([]), fc.subarray([...STUDIES], { minLength: 1 })),
        limit,
        retryFailed: fc.boolean(),
        force: fc.boolean(),
        faults: fc.array(fault, { maxLength: 2 }),
      })
      .map(({ force, ...rest }) => ({ ...rest, force: force && rest.studies.length > 0 })),
  },
)

const howToVerify = fc.record({ repair: fc.boolean(), read: fc.boolean() })

const plain: Chance = undefined

/** What may come in between the operations of a process. */
const elsewhere: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: hospitalSteps },
    { weight: 1, arbitrary: meddling },
    { weight: 3, arbitrary: time },
    { weight: 3, arbitrary: fc.constant(discovering(undefined, plain)) },
    { weight: 3, arbitrary: howToCopy.map((how) => copying(how, plain)) },
    { weight: 1, arbitrary: howToVerify.map((how) => verifying(how, plain)) },
  ),
  { minLength: 1, maxLength: 4 },
)

const chance: fc.Arbitrary<Chance> = fc.oneof(
  { weight: 5, arbitrary: fc.constant(plain) },
  {
    weight: 5,
    arbitrary: fc.record({
      at: fc.integer({ min: 1, max: 120 }),
      what: fc.oneof(
        { weight: 4, arbitrary: fc.constant("dies" as const) },
        { weight: 1, arbitrary: fc.constantFrom("is asked to stop" as const, "is stopped" as const) },
        { weight: 4, arbitrary: elsewhere },
      ),
    }),
  },
)

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: hospitalSteps },
  { weight: 3, arbitrary: meddling },
  { weight: 1, arbitrary: rotting },
  { weight: 1, arbitrary: time },
  { weight: 5, arbitrary: fc.tuple(limit, chance).map(([n, fate]) => discovering(n, fate)) },
  { weight: 7, arbitrary: fc.tuple(howToCopy, chance).map(([how, fate]) => copying(how, fate)) },
  { weight: 2, arbitrary: fc.tuple(howToVerify, chance).map(([how, fate]) => verifying(how, fate)) },
)

export const nights = fc.commands([step.map((one) => new Checked(one))], { maxCommands: 40, size: "max" })

const all = (options: Partial<Copying> = {}) => copying({ studies: [], faults: [], ...options }, plain)

/** The steps after which everything must be well. */
export const REST = {
  discover: new Checked(discovering(undefined, plain)),
  copy: new Checked(all()),
  retryFailed: new Checked(all({ retryFailed: true })),
  repair: new Checked(verifying({ repair: true, read: true }, plain)),
}
