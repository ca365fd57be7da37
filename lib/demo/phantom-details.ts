import { type Canvas, drawTube, type Point, STEP, smoothPath } from "./phantom-canvas.ts"

/**
 * A vessel of the lung that bends and divides until it is too thin to be seen; `side` -1 grows to the left.
 */
export function drawVessel(
  canvas: Canvas,
  from: Point,
  angle: number,
  side: -1 | 1,
  radius: number,
  random: () => number,
): void {
  if (radius < 0.06) return
  const length = (1.7 + 1.6 * random()) * (0.55 + radius * 1.6)
  const onward = angle + (random() - 0.5) * 0.5
  const along = (way: number, turn: number): Point => ({
    x: from.x + side * way * Math.cos(turn),
    y: from.y + way * Math.sin(turn),
  })
  const end = along(length, onward)
  drawTube(canvas, bow(from, along(length / 2, angle), end), { radius, density: 1.1 })
  drawVessel(canvas, end, onward + (random() - 0.5) * 0.3, side, radius * 0.85, random)
  const fork = (random() < 0.5 ? -1 : 1) * (0.45 + 0.4 * random())
  if (random() < 0.75) drawVessel(canvas, end, onward + fork, side, radius * 0.66, random)
}

/** A quadratic Bezier curve. */
function bow(from: Point, middle: Point, end: Point): Point[] {
  const count = Math.ceil(Math.hypot(end.x - from.x, end.y - from.y) / STEP)
  return Array.from({ length: count + 1 }, (_, i) => {
    const t = i / count
    const [a, b, c] = [(1 - t) * (1 - t), 2 * t * (1 - t), t * t]
    return { x: a * from.x + b * middle.x + c * end.x, y: a * from.y + b * middle.y + c * end.y }
  })
}

/** An "L" of lead, 2.4 cm high, as it is taped on the patient's left side; x and y are its upper end. */
export function drawMarkerLeft(canvas: Canvas, x: number, y: number): void {
  const strokes = [smoothPath([x, x], [y, y + 2.4]), smoothPath([x, x + 1.3], [y + 2.4, y + 2.4])]
  for (const stroke of strokes) drawTube(canvas, stroke, { radius: 0.2, density: 150 })
}

/** An "R" of lead for the patient's right side. */
export function drawMarkerRight(canvas: Canvas, x: number, y: number): void {
  const belly = Array.from({ length: 40 }, (_, i) => {
    const turn = (Math.PI * i) / 39
    return { x: x + 0.7 + 0.6 * Math.sin(turn), y: y + 0.6 - 0.6 * Math.cos(turn) }
  })
  const strokes = [
    smoothPath([x, x], [y, y + 2.4]),
    smoothPath([x, x + 0.7], [y, y]),
    belly,
    smoothPath([x + 0.7, x], [y + 1.2, y + 1.2]),
    smoothPath([x + 0.6, x + 1.3], [y + 1.2, y + 2.4]),
  ]
  for (const stroke of strokes) drawTube(canvas, stroke, { radius: 0.2, density: 150 })
}
