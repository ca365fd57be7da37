import { RETIRED, VARIABLES, type Variable } from "./config-table.ts"

const TITLES: Readonly<Record<keyof typeof VARIABLES, string>> = {
  database: "The PACS database, only ever read",
  ranking: "The doctors whose studies are chosen",
  schedule: "The nightly job",
  origin: "Where the files come from",
  destination: "Where the files go",
  s3: "Access to S3",
  gcs: "Access to Google Cloud Storage",
  cod: "Cloud Optimized DICOM",
  ingest: "Packing as Cloud Optimized DICOM (ingest, run)",
  ledger: "The ledger",
  backup: "Its backups",
  copy: "How much at once",
  page: "The page",
  logging: "Logging",
}

/**
 * A file to copy to `.env`: what must be set has an example, everything else stands behind `#` with its
 * default.
 */
export function renderEnvExample(): string {
  const parts = variablesByPart().flatMap(([title, variables]) => [
    `# ----- ${title} -----`,
    "",
    ...variables.flatMap((variable) => [`# ${describe(variable)}`, assignment(variable), ""]),
  ])
  const head = "# Copy this to .env and fill it in. What stands behind # holds without it, or is an example."
  return [head, "", ...parts].join("\n")
}

/** All variables as a Markdown table. */
export function renderConfigTable(): string {
  const current = variablesByPart().flatMap(([, variables]) => variables.map(cellsOf))
  const retired = RETIRED.map(({ name, note }) => [`\`${name}\``, "", "", note, "accepted, without effect"])
  const header = ["variable", "default", "example", "what for", "replaces, or also read from"]
  return [header, header.map(() => "---"), ...current, ...retired]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n")
}

/** A Markdown text with the table between its two marks. @throws Error when the marks are not there */
export function withConfigTable(markdown: string): string {
  const marks = /(?<=<!-- config -->\n)[\s\S]*(?=<!-- \/config -->)/
  if (!marks.test(markdown)) throw new Error("no <!-- config --> and <!-- /config --> in the text")
  return markdown.replace(marks, () => `\n${renderConfigTable()}\n\n`)
}

function variablesByPart(): (readonly [title: string, variables: readonly Variable<unknown>[]])[] {
  const parts = Object.keys(VARIABLES) as (keyof typeof VARIABLES)[]
  return parts.map((part) => [TITLES[part], Object.values<Variable<unknown>>(VARIABLES[part])] as const)
}

function describe({ purpose, also = [] }: Variable<unknown>): string {
  const names = also.map(({ name }) => name).join(", ")
  return names === "" ? purpose : `${purpose}; also read from ${names}`
}

function assignment({ name, example, default: fallback, optional }: Variable<unknown>): string {
  return fallback === undefined && !optional ? `${name}=${example}` : `# ${name}=${fallback ?? example}`
}

function cellsOf({
  name,
  purpose,
  example,
  default: fallback,
  optional,
  inherited,
  also = [],
}: Variable<unknown>): string[] {
  const unset = optional ? "" : "must be set"
  return [
    `\`${name}\``,
    fallback === undefined ? unset : fallback === "" ? "none" : `\`${fallback}\``,
    `\`${example}\``,
    purpose,
    [...(inherited ? ["the same name"] : []), ...also.map((other) => `\`${other.name}\``)].join(", "),
  ]
}
