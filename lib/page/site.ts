import { retryRoute } from "./actions/retry.ts"
import { SERIES_ROUTES } from "./series/routes.ts"
import type { Site } from "./server.ts"
import { browseView } from "./views/browse/browse.ts"
import { failuresView } from "./views/failures/view.ts"
import { nowView } from "./views/now.ts"
import { imageView } from "./views/study/image.ts"
import { seriesView } from "./views/study/series.ts"
import { studyView } from "./views/study/study.ts"

/** Everything that there is to ask for. */
export const SITE: Site = {
  routes: [...SERIES_ROUTES, retryRoute],
  views: [
    { path: "/", view: nowView },
    { path: "/failures", view: failuresView },
    { path: "/browse", view: browseView },
    { path: "/studies/:studyId", view: studyView },
    { path: "/series/:seriesNo", view: seriesView },
    { path: "/series/:seriesNo/instances/:n", view: imageView },
  ],
}
