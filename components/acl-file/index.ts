import { Authorizer } from '../../src/kinds/authorizer.ts'
import { Logger } from '../../src/kinds/logger.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { AclFile } from './acl-file.ts'
import { aclFileConfig } from './config.ts'

/** Says what clients may publish, subscribe to and receive, by an ACL file of mosquitto. */
export const aclFile = defineComponent({
  provides: Authorizer,
  needs: { logger: Logger },
  config: aclFileConfig,
  describe: ({ file }) => `rules of ${file}`,
  start: (config, { logger }, { name }) => AclFile.open(config, logger.child({ component: name })),
  measure: ({ rules, counters }) => [
    { name: 'held', unit: 'rules', kind: 'gauge', help: 'Rules in force.', read: () => rules.size },
    {
      name: 'read',
      unit: 'files',
      kind: 'counter',
      help: 'The file was read again, and its rules are in force.',
      read: () => counters.reloads,
    },
    {
      name: 'refused',
      unit: 'files',
      kind: 'counter',
      help: 'The file was read again and refused; the rules stayed.',
      read: () => counters.failedReloads,
    },
  ],
  refresh: (instance) => instance.refresh(),
  stop: (instance) => instance.stop(),
})
