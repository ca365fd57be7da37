import type { Scene } from "./support/scene.ts"

/** A view as somebody finds it. */
export interface Place {
  readonly name: string
  /** Its route in the site. */
  readonly route: string
  readonly path: (scene: Scene) => string
  /** Its name in the navigation; those without one are reached from other views. */
  readonly entry?: string
  readonly heading: string | RegExp
  /** What must be read there, also without scripts. */
  readonly has: (scene: Scene) => readonly (string | RegExp)[]
}

export const PLACES: readonly Place[] = [
  {
    name: "now",
    route: "/",
    path: () => "/",
    entry: "Now",
    heading: "Now",
    has: () => [/studies complete/i],
  },
]
