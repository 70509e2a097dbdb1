import { Change, expectEqual, expectSame } from '../../src/collections/change.ts'
import { HttpServer } from '../../src/kinds/http-server.ts'
import { Logger } from '../../src/kinds/logger.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { kind } from '../../src/system/kind.ts'
import { dashboardConfig } from './config.ts'
import { findBuild, readBuild } from './read-build.ts'
import { serveFiles } from './serve-files.ts'

/** A dashboard that is served. */
export interface Dashboard {
  /** Where a browser finds it: `127.0.0.1:18083/`. */
  readonly address: string
  /** False if it has not been built: then its page says how to build it. */
  readonly isBuilt: boolean
}

export const Dashboard = kind<Dashboard>()('Dashboard')

/** Serves the files of the dashboard, which shows the broker in a browser by the calls of the admin API. */
export const dashboard = defineComponent({
  provides: Dashboard,
  needs: { http: HttpServer, logger: Logger },
  config: dashboardConfig,
  describe: ({ path }) => path,

  start: async ({ path, directory }, { http, logger }, { name }) => {
    const log = logger.child({ component: name })
    const files = await readBuild(directory ?? findBuild(import.meta.dirname))
    const remove = http.route(path, serveFiles(files, path))
    const address = `${http.address}${path}`
    if (files === undefined)
      log.warn({ address }, 'The dashboard is not built: run npm run build, and restart the broker')
    else log.info({ address }, `Dashboard on ${http.scheme}://${address}`)
    return { address, isBuilt: files !== undefined, remove, from: { path, directory, http } }
  },

  exclusive: ({ path }) => [`http:${path}`],
  adjust: (instance, { path, directory }, { http }) => {
    const from = { path, directory, http }
    expectEqual(instance.from, from, 'path', 'directory')
    expectSame(instance.from, from, 'http')
    return new Change([])
  },
  stop: ({ remove }) => remove(),
})
