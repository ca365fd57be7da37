import type { Rule } from "../source/rows.ts"
import type { View } from "./phantom-image.ts"
import { BODY_PARTS, ORGANIZATIONS, type Signer } from "./seed-staff.ts"

/** A study as it is thought out, before it becomes rows and objects. What is not said is usual. */
export interface StudyPlan {
  /** The first rule that it does not satisfy. */
  readonly outcome: Rule | "eligible"
  readonly organization?: string | null
  readonly modalities: string | null
  readonly description: string | null
  readonly bodyPart?: number
  readonly migrated?: boolean
  readonly deleted?: boolean
  readonly reports: readonly ReportPlan[]
  readonly series?: readonly SeriesPlan[]
  /** What `file_path` is: the usual key, its URI, or a key of an older layout. */
  readonly paths?: "key" | "uri" | "archive"
  /** Whether the origin has a metadata.json. */
  readonly metadata?: boolean
}

export interface ReportPlan {
  readonly by: Signer
  readonly status?: string
  readonly active?: boolean
  readonly deleted?: boolean
  /** Where the text lies. */
  readonly text?: "origin" | "database" | "nowhere"
}

export interface SeriesPlan {
  /** `undefined`: that of the study; `null`: not stated. */
  readonly modality?: string | null
  /** Where no series has any, the origin holds files that the database does not know. */
  readonly images: readonly ImagePlan[]
}

export interface ImagePlan {
  readonly view: View
  /** Has no instance number in the database. */
  readonly unnumbered?: boolean
  /** Above 1 MiB. */
  readonly large?: boolean
  /** What lies at the origin when it is not a phantom. */
  readonly instead?: "nothing" | "text"
}

const PA: SeriesPlan = { images: [{ view: "PA" }] }
const LATERAL: SeriesPlan = { images: [{ view: "LATERAL" }] }
const LARGE: SeriesPlan = { images: [{ view: "PA", large: true }] }
const REPEATED: SeriesPlan = { images: [{ view: "PA" }, { view: "LATERAL" }, { view: "PA" }] }
const UNNUMBERED: SeriesPlan = { images: [{ view: "PA", unnumbered: true }] }
const DIGITAL_LATERAL: SeriesPlan = { modality: "DX", images: [{ view: "LATERAL" }] }
const WITHOUT_MODALITY: SeriesPlan = { modality: null, images: [{ view: "LATERAL" }] }
const NOT_IN_DATABASE: SeriesPlan = { images: [] }
/** Not copied, whatever the study says of itself: its own modality is neither CR nor DX. */
const STRUCTURED_REPORT: SeriesPlan = { modality: "SR", images: [{ view: "PA", instead: "nothing" }] }

const { fenix, unicornio, showroom } = ORGANIZATIONS
const { torax, chest, knee, abdomen, spine } = BODY_PARTS

type Eligible = Omit<StudyPlan, "outcome" | "reports" | "modalities"> & {
  readonly by: readonly number[]
  readonly modalities?: string
  readonly also?: readonly ReportPlan[]
}

/**
 * The 24 studies that are copied: each differs from the others in a way that the rules or the copy care
 * about.
 */
const ELIGIBLE: readonly Eligible[] = [
  { by: [2], description: "CHEST PA" },
  { by: [2], description: "Tórax AP y lateral", series: [PA, LATERAL], paths: "uri" },
  { by: [2], description: "RX TÓRAX PA".normalize("NFD"), modalities: "CR", organization: fenix },
  { by: [2, 3], description: "thorax pa/lat", modalities: "CR, dx", series: [REPEATED, DIGITAL_LATERAL] },
  { by: [2], description: "RX de pecho", series: [LARGE], metadata: false },
  { by: [2], description: "Radiografia de peito", modalities: " dx ", organization: unicornio },
  { by: [2], description: null, bodyPart: torax, also: [{ by: 1 }] },
  { by: [2], description: "RX PORTATIL", bodyPart: chest, paths: "archive" },
  { by: [3], description: "CHEST 2 VIEWS", series: [PA, LATERAL], also: [{ by: 3, status: "DRAFT" }] },
  { by: [3], description: "TORAX FRENTE", modalities: "CR", series: [UNNUMBERED], metadata: false },
  { by: [3, 3], description: "Tórax control", series: [REPEATED] },
  { by: [3], description: "TÓRAX", organization: fenix, also: [{ by: 2, deleted: true }] },
  { by: [3], description: "Chest PA 100% \"quoted\" 'too'", series: [PA, STRUCTURED_REPORT] },
  { by: [4], description: "Tórax 🫁 PA\nsegunda línea", series: [LARGE, LATERAL] },
  { by: [4], description: "torax ap", organization: unicornio, series: [PA, WITHOUT_MODALITY] },
  { by: [4], description: "CHEST LAT", series: [NOT_IN_DATABASE], metadata: false },
  { by: [4, 5], description: "Pecho PA", modalities: "DX,CR", paths: "uri" },
  { by: [5], description: "CHEST AP PORTABLE", deleted: true },
  { by: [5], description: "thórax", series: [PA, LATERAL], also: [{ by: 4, active: false }] },
  { by: [5], description: "PEITO PERFIL", modalities: "CR", paths: "archive", series: [LATERAL] },
  { by: [5], description: "Torax y abdomen", bodyPart: abdomen, metadata: false },
  { by: [6], description: "CHEST PA/LAT", series: [LARGE, LATERAL], organization: fenix },
  { by: [6], description: "RX TORAX OSEO", modalities: "CR", series: [REPEATED], paths: "uri" },
  { by: [6], description: "Tórax PA".normalize("NFD"), also: [{ by: "without user" }] },
]

/** How many signed chest studies the doctors have that are not eligible, from the first in the ranking on. */
const NOT_CHOSEN = [55, 0, 0, 0, 0, 0, 11, 7, 4, 2]
const MIXED = [4, 10, 9, 10, 8, 8, 0, 0, 0, 0]
const DENTAL = [0, 2, 0, 0, 0, 0, 0, 0, 0, 0]

/** Every study of the demo: 24 eligible ones among some three hundred, ordered by the rule that they fail. */
export function studyPlans(trouble: boolean): StudyPlan[] {
  return [
    ...ELIGIBLE.map(eligible),
    ...perDoctor(NOT_CHOSEN, (by) => ({ ...signedChest(by), outcome: "chosen_doctor" })),
    ...perDoctor(MIXED, (by, n) => ({
      ...signedChest(by),
      outcome: "no_other_modality",
      modalities: ["DX,SR", "CR, PR", "CT,DX", "dx,ot"][n % 4]!,
    })),
    ...perDoctor(DENTAL, (by) => ({ ...signedChest(by), outcome: "has_cr_or_dx", modalities: "PX" })),
    ...OTHERS.flatMap(([count, plan]) =>
      Array.from({ length: count }, (_, n) => ({ ...signedChest(2 + (n % 5)), ...plan })),
    ),
    ...(trouble ? TROUBLE.map(eligible) : []),
  ]
}

const eligible = ({ by, also = [], ...plan }: Eligible, n: number): StudyPlan => ({
  modalities: "DX",
  ...plan,
  outcome: "eligible",
  reports: [
    ...by.map((doctor) => ({ by: doctor, text: n % 3 === 2 ? "database" : "origin" }) as const),
    ...also,
  ],
})

const perDoctor = (counts: readonly number[], plan: (doctor: number, n: number) => StudyPlan) =>
  counts.flatMap((count, i) => Array.from({ length: count }, (_, n) => plan(i + 1, n)))

const signedChest = (by: Signer): StudyPlan => ({
  outcome: "eligible",
  modalities: "DX",
  description: "CHEST PA",
  reports: [{ by }],
})

/** Those that stay out although a chosen doctor has signed them, or that nobody ranked has signed. */
const OTHERS: readonly (readonly [count: number, plan: Partial<StudyPlan>])[] = [
  [20, { outcome: "non_demo_organization", organization: showroom }],
  [5, { outcome: "non_demo_organization", organization: null }],
  [12, { outcome: "not_migrated", migrated: true }],
  [20, { outcome: "chest", description: "RX RODILLA", bodyPart: knee }],
  [20, { outcome: "chest", description: "Abdomen simple de pie", modalities: "CR", bodyPart: abdomen }],
  [12, { outcome: "chest", description: "COLUMNA TORACOLUMBAR", bodyPart: spine }],
  [6, { outcome: "chest", description: null }],
  [25, { outcome: "has_cr_or_dx", modalities: "CT", description: "CT TORAX" }],
  [5, { outcome: "has_cr_or_dx", modalities: "MR", bodyPart: chest }],
  [2, { outcome: "has_cr_or_dx", modalities: null }],
  [8, { outcome: "signed_report", reports: [{ by: 2, status: "DRAFT" }] }],
  [4, { outcome: "signed_report", reports: [{ by: 3, active: false }] }],
  [4, { outcome: "signed_report", reports: [{ by: 4, deleted: true }] }],
  [4, { outcome: "signed_report", reports: [] }],
  [2, { outcome: "chosen_doctor", reports: [{ by: "without user" }] }],
  [1, { outcome: "chosen_doctor", reports: [{ by: "nobody" }] }],
]

/** What tests of failures need on top. */
const TROUBLE: readonly Eligible[] = [
  {
    by: [2],
    description: "CHEST, an object is missing",
    series: [{ images: [{ view: "PA" }, { view: "LATERAL", instead: "nothing" }] }],
  },
  {
    by: [2],
    description: "CHEST, a file is not DICOM",
    series: [{ images: [{ view: "PA", instead: "text" }] }],
  },
  { by: [2], description: "CHEST, a report is lost", also: [{ by: 2, text: "nowhere" }] },
]
