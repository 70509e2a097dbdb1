import { Authenticator } from '../../src/kinds/authenticator.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { Anonymous } from './anonymous.ts'
import { anonymousConfig } from './config.ts'

/** Accepts clients without a user name and password, with groups and rules for them. */
export const anonymous = defineComponent({
  provides: Authenticator,
  needs: {},
  config: anonymousConfig,
  describe: ({ attributes: { groups = [], rules = [] } }) =>
    [...(groups.length === 0 ? [] : [`groups ${groups.join(', ')}`]), `${rules.length} rules`].join(', '),
  start: ({ attributes }, _dependencies, { name }) => new Anonymous(name, attributes),
  measure: (instance) => [
    {
      name: 'allowed',
      help: 'Clients that were allowed without a user name and password.',
      unit: 'clients',
      kind: 'counter',
      read: () => instance.allowed,
    },
  ],
})
