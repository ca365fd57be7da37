declare module "sixel" {
  /** @param data RGBA, 4 bytes a pixel */
  export function image2sixel(data: Uint8Array, width: number, height: number, maxColors?: number): string
}
