import { type Anatomy, nearestVertebra, RIB, ribs, vertebraHeight } from "./phantom-anatomy.ts"
import { type Canvas, createCanvas, curve, drawTube, edge, paint, smoothPath } from "./phantom-canvas.ts"
import { drawMarkerLeft, drawMarkerRight, drawVessel } from "./phantom-details.ts"

/**
 * Attenuation of a chest seen from behind (postero-anterior), in cm of water. The patient's left is at the
 * right of the image, as films are hung.
 */
export function attenuationPa(anatomy: Anatomy, columns: number, rows: number): Canvas {
  const canvas = createCanvas(columns, rows)
  paintSoftTissue(canvas, vesselsOf(anatomy, columns, rows), anatomy)
  drawAirways(canvas, anatomy)
  paintSpine(canvas, anatomy)
  for (const side of [-1, 1] as const) {
    for (const rib of ribs(anatomy, side)) drawTube(canvas, rib, RIB)
    drawShoulder(canvas, anatomy, side)
  }
  if (anatomy.random() < 0.6) drawMarkerLeft(canvas, 14.4, 1.6)
  else drawMarkerRight(canvas, -15.7, 1.6)
  return canvas
}

// Borders by height, in cm from the midline; thickness from front to back.
const BODY = curve(
  [0, 2.2, 3.6, 5, 6.2, 8, 12, 16, 19, 26, 34, 43],
  [5.6, 5.8, 7, 10.5, 15, 19, 20, 18.2, 16.9, 16.2, 15.9, 16.4],
)
const BODY_DEPTH = curve([0, 4, 9, 18, 30, 43], [11, 13, 18, 21, 22, 22.5])
const LUNG_OUTER = curve(
  [4.9, 5, 5.3, 6, 8, 11, 15, 20, 26, 34],
  [4.6, 5.3, 6.1, 7.2, 9.2, 11.2, 12.7, 13.6, 14, 13.9],
)
const LUNG_INNER = curve([4.9, 5, 5.4, 6.4, 9, 43], [4.6, 4.1, 3.3, 2.5, 1.6, 1.4])
const LUNG_DEPTH = curve([5, 7, 10, 15, 24, 43], [4.5, 8, 12.2, 15.5, 16.5, 16])
const HEART_RIGHT = curve(
  [4, 7, 10, 13, 16, 19, 22, 25, 28, 31],
  [3.4, 2.7, 2.3, 2.4, 2.7, 3.6, 4.2, 4, 3.4, 3],
)
/** Downwards: the knob of the aorta, the pulmonary trunk, the left ventricle with its apex. */
const HEART_LEFT = curve(
  [4, 8, 9.6, 11, 12.4, 13.6, 15.2, 17.4, 20, 23, 25.5, 28, 31],
  [3.2, 2.5, 2.8, 3.5, 3.1, 2.9, 3.3, 4.2, 6, 7.9, 8.8, 8.6, 8],
)

function paintSoftTissue(canvas: Canvas, vessels: Canvas, anatomy: Anatomy): void {
  paint(canvas, (y) => {
    const [body, depth] = [BODY(y) * anatomy.width, BODY_DEPTH(y)]
    const lung = lungRow(y, anatomy)
    return (x, index) => {
      const aside = x - anatomy.shift
      const { air, heart } = lung(aside)
      const tissue = depth * Math.sqrt(Math.max(0, 1 - (x / body) ** 2))
      const vessel = vessels.density[index]! * Math.min(1, air / 9)
      return tissue + heart + vessel - air + breast(aside, y, anatomy) + shoulderBlade(Math.abs(aside), y)
    }
  })
}

/**
 * For one height: how much the air in lungs and stomach lacks to water, and what the heart adds in front of
 * it.
 */
function lungRow(y: number, anatomy: Anatomy): (aside: number) => { air: number; heart: number } {
  const [outer, inner, depth] = [LUNG_OUTER(y) * anatomy.width, LUNG_INNER(y), 0.78 * LUNG_DEPTH(y)]
  const apex = edge(y - 5.2, 0.8)
  const growth = 1 + (anatomy.heart - 1) * edge(y - 17, 6)
  const [right, left] = [HEART_RIGHT(y) * growth, HEART_LEFT(y) * growth]
  const bulk = 1.8 * edge(y - 9, 5) * edge(26.5 - y, 5)
  return (aside) => {
    const wide = Math.abs(aside)
    const border = aside < 0 ? right : left
    const heart = edge(border - wide, 0.35)
    const across = Math.max(0, ((wide - inner) * (outer - wide)) / ((outer - inner) / 2) ** 2)
    const below = y - diaphragm(aside, anatomy)
    // Behind the dome the lung goes on downwards and thins out.
    const base = 1 - edge(below, 0.22) * (1 - 0.1 * Math.max(0, 1 - below / 5))
    const lung = depth * Math.sqrt(Math.min(1, across)) * apex * base * (1 - 0.86 * heart)
    const bubble = edge(1 - ((aside - 6.6) / 2.5) ** 2 - ((y - 30.2 - anatomy.breath) / 1.1) ** 2, 0.9)
    return {
      air: lung + 4.5 * bubble * edge(below, 0.5),
      heart: bulk * heart * Math.sqrt(Math.max(0, 1 - (wide / border) ** 2)),
    }
  }
}

/**
 * Height of the diaphragm: a dome on each side, the liver's a little higher, falling to a sharp outer angle.
 */
function diaphragm(aside: number, { breath }: Anatomy): number {
  const dome = aside < 0 ? { top: 26.8, crest: 6.2, width: 8.2 } : { top: 27.9, crest: 6.6, width: 7.9 }
  const off = (Math.abs(aside) - dome.crest) / dome.width
  return dome.top + breath + (off < 0 ? 1.9 * off * off : 5.4 * off * off * Math.sqrt(off))
}

const breast = (aside: number, y: number, { breasts }: Anatomy) =>
  breasts * Math.max(0, 1 - ((Math.abs(aside) - 8) / 6.4) ** 2 - ((y - 23) / 6) ** 2)

/** A thin triangle of bone with a rim, swung out of the lungs by the position of the arms. */
function shoulderBlade(wide: number, y: number): number {
  const inner = wide - 12.7 - 0.14 * (y - 8)
  const outer = 17.4 - wide - 0.28 * (y - 8.5)
  const upper = y - 8 - 0.2 * (wide - 12.7)
  const inside = Math.min(inner, outer, upper)
  return 0.5 * edge(inside, 0.3) + 0.5 * edge(0.22 - Math.abs(inside - 0.2), 0.25)
}

function drawAirways(canvas: Canvas, { shift }: Anatomy): void {
  const airway = (xs: readonly number[], ys: readonly number[], radius: number) => {
    const path = smoothPath(
      xs.map((x) => x + shift),
      ys,
    )
    drawTube(canvas, path, { radius, density: -0.95 })
  }
  airway([0, 0.1, 0.35], [-0.5, 5, 11.6], 0.85)
  airway([0.2, -1.2, -2.7], [11.2, 12.9, 14.9], 0.6)
  airway([0.4, 2, 4], [11.2, 13.2, 14.6], 0.52)
}

/** Arteries and veins fan out from the root of each lung, the right one a little lower. */
function vesselsOf({ random, shift }: Anatomy, columns: number, rows: number): Canvas {
  const canvas = createCanvas(columns, rows)
  const count = 20
  for (const side of [-1, 1] as const) {
    for (let n = 0; n < count; n++) {
      const angle = -1.3 + (2.85 * (n + 0.7 * random())) / count
      const x = shift + side * (2.6 + 1.1 * random())
      const y = (side < 0 ? 15.6 : 14.6) + 2.8 * (n / count - 0.5 + 0.3 * random())
      const radius = 0.17 + 0.2 * random() ** 2 + (angle > 0.7 ? 0.08 : 0)
      drawVessel(canvas, { x, y }, angle, side, radius, random)
    }
  }
  return canvas
}

function paintSpine(canvas: Canvas, { shift }: Anatomy): void {
  paint(canvas, (y) => {
    const n = nearestVertebra(y)
    const off = y - vertebraHeight(n)
    const half = (vertebraHeight(n + 1) - vertebraHeight(n)) / 2 - 0.16
    const waist = 1.35 + 0.035 * n + 0.22 * (off / half) ** 2
    const height = edge(half - Math.abs(off), 0.3) * (1 + 0.5 * edge(Math.abs(off) - half + 0.25, 0.2))
    return (x) => {
      const wide = Math.abs(x - shift)
      if (wide > 4) return 0
      const body = height * edge(waist - wide, 0.35)
      const pedicle = edge(0.16 - Math.abs(Math.hypot((wide - 0.95) / 0.85, off + 0.35) - 0.42), 0.2)
      const spinous = edge(1 - (wide / 0.3) ** 2 - ((off - 0.7) / 0.75) ** 2, 0.8)
      const transverse = edge(0.38 - Math.abs(off + 0.35), 0.25) * edge(2.9 - wide, 0.5)
      return 1.05 * body + 0.7 * pedicle + 0.8 * spinous + 0.35 * transverse
    }
  })
}

/** Collar bone, the ridge of the shoulder blade, head of the upper arm. */
function drawShoulder(canvas: Canvas, { shift, width }: Anatomy, side: -1 | 1): void {
  const path = (xs: readonly number[], ys: readonly number[]) =>
    smoothPath(
      xs.map((x) => side * x * width + shift),
      ys,
    )
  const collarBone = { radius: 0.66, density: 2.6, core: { radius: 0.46, density: 1 } }
  drawTube(canvas, path([1.9, 4.4, 7.6, 11, 13.8, 16.2], [9.3, 8.9, 7.7, 6.5, 6.5, 6.9]), collarBone)
  drawTube(canvas, path([12.9, 14.6, 17], [10.2, 8.8, 7.2]), { radius: 0.5, density: 0.7 })
  drawTube(canvas, path([18.4, 18.5], [8.6, 8.7]), { radius: 2.2, density: 8 })
}
