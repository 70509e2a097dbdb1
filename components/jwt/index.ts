import { Authenticator } from '../../src/kinds/authenticator.ts'
import { Logger } from '../../src/kinds/logger.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { jwtConfig } from './config.ts'
import { Jwt } from './jwt.ts'
import { measuresOf } from './measures.ts'

/** Authenticates clients by signed tokens (JSON Web Tokens). */
export const jwt = defineComponent({
  provides: Authenticator,
  needs: { logger: Logger },
  config: jwtConfig,
  describe: ({ algorithms, jwksUrl }) => algorithms.join(', ') + (jwksUrl === undefined ? '' : ` by ${jwksUrl.host}`),
  start: (config, { logger }, { name }) => Jwt.open(name, config, logger.child({ component: name })),
  reads: ({ secretFile, publicKeyFile, jwksFile }) =>
    [secretFile, publicKeyFile, jwksFile].filter((file) => file !== undefined),
  adjust: (instance, config, { logger }, { name }) => instance.adjust(config, logger.child({ component: name })),
  measure: measuresOf,
  refresh: (instance) => instance.refresh(),
  stop: (instance) => instance.stop(),
})
