import { Authorizer } from '../../src/kinds/authorizer.ts'
import { Logger } from '../../src/kinds/logger.ts'
import { counter, defineComponent, gauge } from '../../src/system/define-system.ts'
import { AclFile } from './acl-file.ts'
import { aclFileConfig } from './config.ts'

/** Says what clients may publish, subscribe to and receive, by an ACL file of mosquitto. */
export const aclFile = defineComponent({
  provides: Authorizer,
  needs: { logger: Logger },
  config: aclFileConfig,
  describe: ({ file }) => `rules of ${file}`,
  start: (config, { logger }, { name }) => AclFile.open(config, logger.child({ component: name })),
  measure: (instance) => [
    gauge('held', 'rules', 'Rules in force.', () => instance.size),
    counter('read', 'files', 'The file was read again, and its rules are in force.', () => instance.counters.reloads),
    counter(
      'refused',
      'files',
      'The file was read again and refused; the rules stayed.',
      () => instance.counters.failedReloads,
    ),
  ],
  refresh: (instance) => instance.refresh(),
  reads: ({ file }) => [file],
  adjust: (instance, config, { logger }, { name }) => instance.adjust(config, logger.child({ component: name })),
  stop: (instance) => instance.stop(),
})
