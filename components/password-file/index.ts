import { Authenticator } from '../../src/kinds/authenticator.ts'
import { Logger } from '../../src/kinds/logger.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { passwordFileConfig } from './config.ts'
import { measuresOf } from './measures.ts'
import { PasswordFile } from './password-file.ts'

/** Authenticates clients by the users and hashed passwords of a file. */
export const passwordFile = defineComponent({
  provides: Authenticator,
  needs: { logger: Logger },
  config: passwordFileConfig,
  describe: ({ path }) => path,
  start: (config, { logger }, { name }) => PasswordFile.open(name, config, logger.child({ component: name })),
  reads: ({ path }) => [path],
  adjust: (instance, config, { logger }, { name }) => instance.adjust(config, logger.child({ component: name })),
  measure: measuresOf,
  refresh: (instance) => instance.refresh(),
  stop: (instance) => instance.stop(),
})
