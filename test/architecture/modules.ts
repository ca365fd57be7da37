import { dirname, join, normalize } from "node:path"

/** One source file and what it imports, types included. */
export interface Module {
  /** From the project's root, with slashes. */
  readonly path: string
  readonly text: string
  /** Our own files that it imports, as paths from the root. */
  readonly files: readonly string[]
  /** Packages that it imports, by name: `postgres`, `bun:sqlite`, `node:fs`. */
  readonly packages: readonly string[]
}

/** Every TypeScript or JavaScript file below these folders. */
export async function readModules(root: string, folders: readonly string[]): Promise<Module[]> {
  const glob = new Bun.Glob(`{${folders.join(",")}}/**/*.{ts,mts,js,mjs}`)
  const paths = (await Array.fromAsync(glob.scan({ cwd: root }))).toSorted()
  return Promise.all(paths.map(async (path) => parseModule(path, await Bun.file(join(root, path)).text())))
}

export function parseModule(path: string, text: string): Module {
  const specifiers = [
    ...new Set([...text.matchAll(IMPORT)].map((match) => match.slice(1).find((name) => name) ?? "")),
  ]
  const isOurs = (specifier: string) => specifier.startsWith(".")
  return {
    path,
    text,
    files: specifiers.filter(isOurs).map((specifier) => normalize(join(dirname(path), specifier))),
    packages: specifiers.filter((specifier) => !isOurs(specifier)).map(packageOf),
  }
}

// The formatter puts each import and export at the start of a line. `Bun.Transpiler` would not tell of types.
const IMPORT = new RegExp(
  [
    /^(?:import|export)\b[^"'`;]*?\bfrom\s*"([^"]+)"/,
    /^import\s*"([^"]+)"/,
    /\b(?:import|require|resolve|resolveSync)\(\s*"([^"]+)"\s*[,)]/,
  ]
    .map(({ source }) => source)
    .join("|"),
  "gm",
)

function packageOf(specifier: string): string {
  if (specifier.includes(":")) return specifier
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/")
}

/** The first circle of imports that there is, as the paths along it. */
export function findCycle(modules: readonly Module[]): readonly string[] | undefined {
  const byPath = new Map(modules.map((module) => [module.path, module]))
  const done = new Set<string>()
  const visit = (path: string, way: readonly string[]): readonly string[] | undefined => {
    if (way.includes(path)) return [...way.slice(way.indexOf(path)), path]
    if (done.has(path)) return undefined
    for (const next of byPath.get(path)?.files ?? []) {
      const cycle = visit(next, [...way, path])
      if (cycle !== undefined) return cycle
    }
    done.add(path)
    return undefined
  }
  for (const { path } of modules) {
    const cycle = visit(path, [])
    if (cycle !== undefined) return cycle
  }
  return undefined
}
