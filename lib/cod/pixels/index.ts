/** Pixels of DICOM files: frames as they are meant, and as a person should see them. */
export { type DecodeOptions, decodeFrame } from "./decode.ts"
export { describePixels, type PixelDescription } from "./description.ts"
export type { DecodedFrame, RenderedFrame } from "./frame.ts"
export { type GreyScale, greyScaleOf, type Window } from "./grey.ts"
export { PIXEL_LIMITS, type PixelLimits } from "./limits.ts"
export { type RenderOptions, renderFrame } from "./render.ts"
