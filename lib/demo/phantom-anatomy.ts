import { curve, type Point, STEP } from "./phantom-canvas.ts"
import { seededRandom } from "./seed-ids.ts"

/** What tells one phantom from another. `width` and `heart` are factors, the others are in cm. */
export interface Anatomy {
  readonly random: () => number
  readonly width: number
  readonly heart: number
  /** How much lower than usual the diaphragm stands: the depth of the breath. */
  readonly breath: number
  /** Of the midline to one side: nobody stands quite straight. */
  readonly shift: number
  /** How far the spine is bent, 1 is usual. */
  readonly stoop: number
  /** Thickness of the breasts. */
  readonly breasts: number
}

export function anatomyOf(seed: number): Anatomy {
  const random = seededRandom(seed)
  const between = (low: number, high: number) => low + (high - low) * random()
  return {
    random,
    width: between(0.92, 1.04),
    heart: between(0.88, 1.16),
    breath: between(-1.3, 1.1),
    shift: between(-0.4, 0.4),
    stoop: between(0.7, 1.3),
    breasts: Math.max(0, between(-1.5, 2)),
  }
}

/** In the chest: x to the patient's left, y down, z to the back; cm. */
export interface Place extends Point {
  readonly z: number
}

/** Height of vertebra n, 0 being the first thoracic one. They grow taller downwards. */
export const vertebraHeight = (n: number) => 4.2 + 2.05 * n + 0.035 * n * n

/** The vertebra next to a height. */
export const nearestVertebra = (y: number) =>
  Math.round((Math.sqrt(2.05 ** 2 + 4 * 0.035 * Math.max(-20, y - 4.2)) - 2.05) / (2 * 0.035))

/**
 * Where the middle of the spine lies between front and back: neck forward, chest backward, loin forward
 * again.
 */
export const spineDepth = ({ stoop }: Anatomy, y: number) => 7.6 + (SPINE(y) - 7) * (0.7 + 0.3 * stoop)

const SPINE = curve([-2, 3, 8, 14, 20, 26, 33, 43], [3, 4.4, 7, 8.9, 9.2, 8.2, 6.2, 4.4])

export const RIB = { radius: 0.6, density: 1.15, core: { radius: 0.44, density: 0.45 } }

/**
 * Of ribs 1 to 12, in cm: half the width, the depth from back to front, how much lower the front end lies.
 */
const RIB_WIDTHS = [5.9, 8.2, 10, 11.4, 12.5, 13.2, 13.7, 13.9, 13.8, 13.3, 12.2, 10.6]
const RIB_DEPTHS = [11.5, 14.5, 16.8, 18.6, 20, 21, 21.5, 21.5, 21, 20, 18, 16]
const RIB_DROPS = [3.4, 5.4, 7.2, 8.6, 9.6, 10.4, 11, 11.3, 11.4, 11, 10, 9]

/** How far round the chest the bone goes before it becomes cartilage, as a part of half a turn. */
const RIB_ENDS = [0.86, 0.84, 0.82, 0.8, 0.79, 0.77, 0.74, 0.7, 0.66, 0.62, 0.48, 0.36]

/** The twelve ribs of one side (-1 the patient's right, 1 the left) as paths of samples `STEP` apart. */
export function ribs(anatomy: Anatomy, side: -1 | 1): Place[][] {
  return RIB_WIDTHS.map((width, n) => {
    const top = vertebraHeight(n) - 0.3 + (anatomy.random() - 0.5) * 0.25
    const back = spineDepth(anatomy, top) + 0.6
    const place = (turn: number): Place => ({
      x: anatomy.shift + side * (1.6 + (width * anatomy.width - 1.6) * Math.sin(turn) ** 0.9),
      y: top + RIB_DROPS[n]! * descent(turn / Math.PI) * (1 + 0.05 * anatomy.breath),
      z: back + 2.1 * Math.sin(Math.min(Math.PI, 2.86 * turn)) - (RIB_DEPTHS[n]! / 2) * (1 - Math.cos(turn)),
    })
    return walk(place, RIB_ENDS[n]! * Math.PI)
  })
}

/**
 * A rib leaves the spine level or a little upwards, falls ever steeper, and levels towards the breastbone.
 */
const descent = (t: number) => -1.12 * t * (1 - t) ** 3 + 1.05 * t * t * (2.1 - 1.1 * t)

function walk(place: (turn: number) => Place, end: number): Place[] {
  const path = [place(0)]
  for (let turn = 0, last = path[0]!; turn < end; turn += 0.003) {
    const next = place(turn)
    if (Math.hypot(next.x - last.x, next.y - last.y, next.z - last.z) < STEP) continue
    path.push(next)
    last = next
  }
  return path
}
