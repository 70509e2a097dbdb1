import { HttpServer } from '../../src/kinds/http-server.ts'
import { Logger } from '../../src/kinds/logger.ts'
import { Metrics } from '../../src/kinds/metrics.ts'
import { Router } from '../../src/kinds/router.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { optional } from '../../src/system/kind.ts'
import { metricsConfig } from './config.ts'
import { measuresOf } from './measures.ts'
import { MetricsPage } from './metrics-page.ts'

/** Serves the numbers of all components to Prometheus and others. */
export const metrics = defineComponent({
  provides: Metrics,
  needs: { http: HttpServer, router: optional(Router), logger: Logger },
  config: metricsConfig,
  describe: ({ path }) => path,
  check: ({ topicFilters }, { router }) =>
    topicFilters.length === 0 || router !== undefined
      ? []
      : [{ path: ['config', 'topicFilters'], message: 'topicFilters need a router: name it in dependencies.router.' }],
  start: (config, { http, router, logger }, context) =>
    new MetricsPage(config, { http, router, logger: logger.child({ component: context.name }) }, context),
  exclusive: ({ path }) => [`http:${path}`],
  adjust: (instance, config, { http, router, logger }, { name }) =>
    instance.adjust(config, { http, router, logger: logger.child({ component: name }) }),
  measure: measuresOf,
  stop: (instance) => instance.stop(),
})
