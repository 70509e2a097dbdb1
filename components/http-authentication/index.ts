import { Authenticator } from '../../src/kinds/authenticator.ts'
import { Logger } from '../../src/kinds/logger.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { httpAuthenticationConfig } from './config.ts'
import { HttpAuthentication } from './http-authentication.ts'
import { measuresOf } from './measures.ts'

/** Authenticates clients by asking a service over HTTP. */
export const httpAuthentication = defineComponent({
  provides: Authenticator,
  needs: { logger: Logger },
  config: httpAuthenticationConfig,
  describe: ({ url }) => url.host,
  start: (config, { logger }, { name }) => new HttpAuthentication(name, config, logger.child({ component: name })),
  adjust: (instance, config, { logger }, { name }) => instance.adjust(config, logger.child({ component: name })),
  measure: measuresOf,
  refresh: (instance) => instance.refresh(),
  stop: (instance) => instance.stop(),
})
