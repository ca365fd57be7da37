import { join } from "node:path"

/** The folder of this program: its package.json, its scripts and, by default, its `state`. */
export const PROJECT_ROOT = join(import.meta.dir, "../..")
