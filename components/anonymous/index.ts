import { counted } from '../../src/collections/counted.ts'
import { Authenticator } from '../../src/kinds/authenticator.ts'
import { counter, defineComponent } from '../../src/system/define-system.ts'
import { Anonymous } from './anonymous.ts'
import { anonymousConfig } from './config.ts'

/** Accepts clients without a user name and password, with groups and rules for them. */
export const anonymous = defineComponent({
  provides: Authenticator,
  needs: {},
  config: anonymousConfig,
  describe: ({ attributes: { groups = [], rules = [] } }) =>
    [...(groups.length === 0 ? [] : [`groups ${groups.join(', ')}`]), counted(rules.length, 'rule')].join(', '),
  start: ({ attributes }, _dependencies, { name }) => new Anonymous(name, attributes),
  adjust: (instance, { attributes }) => instance.adjust(attributes),
  measure: (instance) => [
    counter(
      'allowed',
      'clients',
      'Clients that were allowed without a user name and password.',
      () => instance.allowed,
    ),
  ],
})
