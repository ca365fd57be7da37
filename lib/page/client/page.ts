import { followLive } from "./live.ts"
import { drawPlots } from "./plots.ts"

// Everything is there without this script but what moves by itself: live figures, and plots.

drawPlots(document)
followLive()
