import { followLive } from "./live.ts"
import { drawPlots, followScheme } from "./plots.ts"

// Everything is there without this script but what moves by itself: live figures, and plots.

drawPlots(document)
followScheme()
followLive()
