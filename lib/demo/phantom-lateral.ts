import { type Anatomy, nearestVertebra, RIB, ribs, spineDepth, vertebraHeight } from "./phantom-anatomy.ts"
import { type Canvas, createCanvas, curve, drawTube, edge, paint, smoothPath } from "./phantom-canvas.ts"
import { drawMarkerLeft, drawVessel } from "./phantom-details.ts"

/**
 * Attenuation of a chest seen from its left side, in cm of water. The breastbone is at the left of the image.
 */
export function attenuationLateral(anatomy: Anatomy, columns: number, rows: number): Canvas {
  const canvas = createCanvas(columns, rows)
  paintSoftTissue(canvas, vesselsOf(anatomy, columns, rows), anatomy)
  drawAirways(canvas)
  paintSpine(canvas, anatomy)
  for (const side of [-1, 1] as const) drawRibs(canvas, anatomy, side)
  drawBreastbone(canvas)
  drawShoulders(canvas)
  drawMarkerLeft(canvas, -15.4, 1.6)
  return canvas
}

// Borders by height, in cm from the middle of the detector, the front being negative; widths in cm.
const FRONT = curve(
  [0, 2, 4, 6, 8, 12, 18, 24, 32, 43],
  [-4, -4.2, -6, -9, -10, -11, -12.6, -13.2, -13, -13.4],
)
const BACK = curve([0, 3, 6, 10, 16, 24, 32, 43], [7.5, 9, 11.5, 13.4, 14.2, 13.6, 12.4, 12.6])
const BODY_WIDTH = curve([0, 3, 5, 8, 11, 16, 30, 43], [12, 15, 27, 33, 31, 30, 30, 31])
const LUNG_FRONT = curve(
  [4.9, 5.3, 6.5, 8, 10, 13, 18, 24, 34],
  [2, 0.4, -2.2, -4.8, -7.2, -8.8, -10, -10.9, -11],
)
const LUNG_BACK = curve(
  [4.9, 5.3, 6.5, 8, 11, 15, 20, 26, 33, 43],
  [2, 3.4, 5.2, 7.4, 9.8, 11.2, 11.5, 11, 9.8, 9],
)
const LUNG_WIDTH = curve([5, 7, 10, 15, 22, 43], [7, 13, 19, 23, 25, 25])

function paintSoftTissue(canvas: Canvas, vessels: Canvas, anatomy: Anatomy): void {
  paint(canvas, (y) => {
    const [front, back, lungFront, lungBack] = [FRONT(y), BACK(y), LUNG_FRONT(y), LUNG_BACK(y)]
    const [width, lungWidth] = [
      0.82 * BODY_WIDTH(y) * anatomy.width,
      0.64 * LUNG_WIDTH(y) * edge(y - 5.2, 0.8),
    ]
    return (x, index) => {
      const tissue = width * Math.sqrt(bulge(x, front, back))
      const below = y - diaphragm(x, anatomy)
      // The left dome stands a little lower; each hides half of the air.
      const open = 1 - (edge(below, 0.22) + edge(below - 1.3, 0.22)) / 2
      const air = lungWidth * Math.sqrt(bulge(x, lungFront, lungBack)) * open * (1 - heart(x, y, anatomy))
      const bubble = 4 * edge(1 - ((x - 1) / 3.2) ** 2 - ((y - 29.4 - anatomy.breath) / 1.1) ** 2, 0.9)
      const root = 1.6 * Math.exp(-((x - 1.2) ** 2 + (y - 15.6) ** 2) / 2.6)
      return (
        tissue - air + root + vessels.density[index]! * Math.min(1, air / 9) - bubble * edge(below - 1.3, 0.3)
      )
    }
  })
}

/** 1 in the middle between two borders, falling to 0 at them. */
const bulge = (x: number, low: number, high: number) =>
  Math.max(0, Math.min(1, ((x - low) * (high - x)) / ((high - low) / 2) ** 2))

/** Height of the right dome of the diaphragm: the angle at the back is the deepest. */
function diaphragm(x: number, { breath }: Anatomy): number {
  const off = (x + 3.5) / 12
  return 26 + breath + (off < 0 ? 3.2 * off * off : 7 * off * off)
}

/** The part of the air that the heart takes: it leans on the breastbone and rests on the diaphragm. */
function heart(x: number, y: number, { heart, breath }: Anatomy): number {
  const [dx, dy] = [x + 6.2, y - 22.6 - breath]
  const along = (dx * 0.62 - dy * 0.78) / (7.4 * heart)
  const aside = (dx * 0.78 + dy * 0.62) / (5.9 * heart)
  const off = Math.hypot(along, aside)
  return edge(1 - off, 0.22) * (0.36 + 0.16 * Math.sqrt(Math.max(0, 1 - off * off)))
}

function drawAirways(canvas: Canvas): void {
  drawTube(canvas, smoothPath([0.2, 1.2, 2.4], [-0.5, 6, 13.6]), { radius: 0.85, density: -1.1 })
  drawTube(canvas, [{ x: 2.5, y: 14.4 }], { radius: 0.55, density: -14 })
  const aorta = smoothPath([-2.4, -2.2, 1.2, 4.6, 6.2, 6.4, 5.4], [16.5, 12.8, 10.6, 12.2, 17, 24, 31])
  drawTube(canvas, aorta, { radius: 1.3, density: 0.3 })
}

/** Both lungs' vessels leave their roots in all directions, seen over each other. */
function vesselsOf({ random }: Anatomy, columns: number, rows: number): Canvas {
  const canvas = createCanvas(columns, rows)
  const count = 17
  for (const side of [-1, 1] as const) {
    for (let n = 0; n < count; n++) {
      const root = { x: 1.4 + 1.6 * (random() - 0.5), y: 15.2 + 2.6 * (random() - 0.5) }
      const angle = -1.5 + (3 * (n + random())) / count
      drawVessel(canvas, root, angle, side, 0.15 + 0.2 * random() ** 2, random)
    }
  }
  return canvas
}

function paintSpine(canvas: Canvas, anatomy: Anatomy): void {
  paint(canvas, (y) => {
    const middle = spineDepth(anatomy, y)
    const lean = spineDepth(anatomy, y + 0.5) - spineDepth(anatomy, y - 0.5)
    return (x) => {
      const across = x - middle
      return Math.abs(across) > 6 ? 0 : vertebra(across, y + across * lean)
    }
  })
}

/**
 * A block with a bright rim, its arch and the spinous process behind; vertebrae stand square on the spine's
 * curve.
 */
function vertebra(across: number, height: number): number {
  const n = nearestVertebra(height)
  const off = height - vertebraHeight(n)
  const half = (vertebraHeight(n + 1) - vertebraHeight(n)) / 2 - 0.2
  const depth = 0.95 + 0.04 * n + 0.12 * (off / half) ** 2
  const inside = Math.min(half - Math.abs(off), depth - Math.abs(across))
  const block = edge(inside, 0.3) * (1 + 0.5 * edge(0.22 - inside, 0.25))
  const arch = edge(0.34 - Math.abs(off + 0.3 - 0.1 * across), 0.3) * edge(across - depth, 0.4)
  const spinous = edge(0.36 - Math.abs(off - 0.85 * (across - 2)), 0.3) * edge(across - 2, 0.4)
  return 1.7 * block + 0.9 * arch * edge(2.6 - across, 0.6) + 0.7 * spinous * edge(3.9 - across, 0.6)
}

/** The right side, further from the detector, is magnified a little more. */
function drawRibs(canvas: Canvas, anatomy: Anatomy, side: -1 | 1): void {
  const magnification = side < 0 ? 1.05 : 1
  for (const rib of ribs(anatomy, side)) {
    const path = rib.map((place) => ({ x: place.z * magnification, y: 20 + (place.y - 20) * magnification }))
    drawTube(canvas, path, { ...RIB, density: 0.95 })
  }
}

function drawBreastbone(canvas: Canvas): void {
  const bone = { radius: 0.55, density: 2.4, core: { radius: 0.38, density: 1.2 } }
  drawTube(canvas, smoothPath([-7.2, -8.2, -9.4], [8.4, 10.2, 12.6]), bone)
  drawTube(canvas, smoothPath([-9.6, -10.8, -11.7], [13, 17, 21.4]), bone)
}

/** The arms are raised: their heads and the shoulder blades lie over the tops of the lungs. */
function drawShoulders(canvas: Canvas): void {
  for (const off of [0, 1.1]) {
    drawTube(canvas, [{ x: 1.2 + off, y: 3.4 - off * 0.6 }], { radius: 2.2, density: 14 })
    const bone = { radius: 1.25, density: 1.1, core: { radius: 0.75, density: 0.4 } }
    drawTube(canvas, smoothPath([0.8 + off, -3.2 + off], [3, -2.4]), bone)
    drawTube(canvas, smoothPath([4 + off, 7.5 + off, 10 + off], [5, 9.5, 15.5]), { radius: 0.4, density: 1 })
  }
}
