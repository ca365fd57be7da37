import { join } from "node:path"
import { AppError } from "../support/errors.ts"
import type { FrameAssets } from "./frame.ts"

/** A file of the page itself, named by its content so that browsers may keep it for good. */
export interface Asset {
  /** Below the base. */
  readonly path: `/assets/${string}`
  readonly type: string
  readonly text: string
}

export interface Assets {
  readonly all: readonly Asset[]
  readonly frame: FrameAssets
  /** The same for a file that stands alone. */
  readonly inline: { readonly style: string; readonly script: string }
}

/** The page could not be put together: the installation is not whole. */
export class PageUnbuildable extends AppError {}

const CLIENT = join(import.meta.dir, "client")

/** Puts together what browsers load: one style sheet and one script, that of the plots in both. @throws PageUnbuildable */
export async function loadAssets(): Promise<Assets> {
  const built = await Bun.build({
    entrypoints: [join(CLIENT, "page.ts"), join(CLIENT, "style.css")],
    target: "browser",
    format: "iife",
    minify: true,
    throw: false,
  })
  if (!built.success)
    throw new PageUnbuildable("the page cannot be built", {
      verdict: "stop",
      cause: new AggregateError(built.logs),
    })
  const textOf = async (extension: string) => {
    const files = built.outputs.filter(({ path }) => path.endsWith(extension))
    return (await Promise.all(files.map((file) => file.text()))).join("\n")
  }
  const style = asset("style.css", "text/css", await textOf(".css"))
  const script = asset("page.js", "text/javascript", await textOf(".js"))
  const icon = asset("icon.svg", "image/svg+xml", await Bun.file(join(CLIENT, "icon.svg")).text())
  return {
    all: [style, script, icon],
    frame: { style: style.path, script: script.path, icon: icon.path },
    inline: { style: style.text, script: script.text },
  }
}

function asset(name: string, type: string, text: string): Asset {
  const hash = Bun.hash(text).toString(36)
  const dot = name.lastIndexOf(".")
  return { path: `/assets/${name.slice(0, dot)}-${hash}${name.slice(dot)}`, type, text }
}
