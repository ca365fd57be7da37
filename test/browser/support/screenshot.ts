import { join } from "node:path"
import type { Visitor } from "./visitor.ts"

/** What a change of the page is looked at by; Git ignores it. */
const FOLDER = join(import.meta.dir, "../screenshots")

/** Keeps how the whole page looks right now, with all its pictures. @param name of the file, without its extension */
export async function screenshot({ page }: Visitor, name: string) {
  // Those that are out of sight would be missing.
  await page.evaluate(
    "Promise.all([...document.images].map((image) => { image.loading = 'eager'; return image.decode() }))",
  )
  await page.screenshot({ path: join(FOLDER, `${name}.png`), fullPage: true })
}
