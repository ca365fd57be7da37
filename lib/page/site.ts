import { retryRoute } from "./actions/retry.ts"
import { healthRoute } from "./health/route.ts"
import { metricsRoute } from "./metrics/route.ts"
import { SERIES_ROUTES } from "./series/routes.ts"
import type { Site } from "./server.ts"
import { browseView } from "./views/browse/browse.ts"
import { cohortView } from "./views/cohort/view.ts"
import { failuresView } from "./views/failures/view.ts"
import { historyView } from "./views/history/history.ts"
import { locksView } from "./views/locks/view.ts"
import { NOW_EVENTS } from "./views/now/live.ts"
import { nowView } from "./views/now/now.ts"
import { imageView } from "./views/study/image.ts"
import { seriesView } from "./views/study/series.ts"
import { studyView } from "./views/study/study.ts"

/** Everything that there is to ask for. */
export const SITE: Site = {
  routes: [NOW_EVENTS, ...SERIES_ROUTES, retryRoute, healthRoute, metricsRoute],
  views: [
    { path: "/", view: nowView },
    { path: "/failures", view: failuresView },
    { path: "/cohort", view: cohortView },
    { path: "/locks", view: locksView },
    { path: "/browse", view: browseView },
    { path: "/history", view: historyView },
    { path: "/studies/:studyId", view: studyView },
    { path: "/series/:seriesNo", view: seriesView },
    { path: "/series/:seriesNo/instances/:n", view: imageView },
  ],
}
