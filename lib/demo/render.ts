import { relative } from "node:path"
import { pathToFileURL } from "node:url"
import { renderRun } from "../operate/render.ts"
import { PROJECT_ROOT } from "../support/project.ts"
import { bytes } from "../support/text.ts"
import type { DemoReport, StoredObject } from "./demo.ts"

/** What a newcomer sees at the end of the demo: what was done, where it lies, and what to try next. */
export function renderDemo(report: DemoReport): string {
  const ledger = relative(PROJECT_ROOT, report.ledger)
  const destination = relative(PROJECT_ROOT, report.destination)
  // Both as a shell in the project's folder has them.
  const destinationUri = `file://$PWD/${destination}`
  const datastore = report.datastore.replace(pathToFileURL(PROJECT_ROOT).href, "file://$PWD")
  const bun = "node_modules/.bin/bun run"
  return [
    renderRun(report, report.chosen),
    "",
    "One study at the destination: its files, its receipt, and each series as Cloud Optimized DICOM",
    tree(report.example),
    "",
    ...(report.info === null ? [] : ["Its largest series", report.info, ""]),
    `Ledger         ${ledger}`,
    `Files          ${destination}`,
    `Contact sheet  ${relative(PROJECT_ROOT, report.contactSheet)}, for a browser: a picture of each series`,
    "",
    "Try next",
    `  sqlite3 -box ${ledger} 'select * from progress'`,
    `  LEDGER_PATH=${ledger} ${bun} status`,
    `  LEDGER_PATH=${ledger} DESTINATION_URI=${destinationUri} ${bun} verify --read`,
    `  ${bun} cod ls ${datastore}`,
  ].join("\n")
}

interface Folder {
  readonly folders: Map<string, Folder>
  readonly files: { readonly name: string; readonly size: number }[]
}

function tree(objects: readonly StoredObject[]): string {
  const root: Folder = { folders: new Map(), files: [] }
  for (const { key, size } of objects) {
    const segments = key.split("/")
    const name = segments.pop() ?? key
    let folder = root
    for (const segment of segments) {
      const inner = folder.folders.get(segment) ?? { folders: new Map(), files: [] }
      folder.folders.set(segment, inner)
      folder = inner
    }
    folder.files.push({ name, size })
  }
  return branches(root, "").join("\n")
}

function branches({ folders, files }: Folder, indent: string): string[] {
  const entries = [
    ...[...folders].map(([name, folder]) => ({ label: `${name}/`, folder })),
    ...files.map(({ name, size }) => ({ label: `${name}  ${bytes(size)}`, folder: undefined })),
  ]
  return entries.flatMap(({ label, folder }, index) => {
    const last = index === entries.length - 1
    const below = folder === undefined ? [] : branches(folder, `${indent}${last ? "   " : "│  "}`)
    return [`${indent}${last ? "└─ " : "├─ "}${label}`, ...below]
  })
}
