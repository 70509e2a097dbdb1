import { counted } from '../../src/collections/counted.ts'
import { AuthenticationMethod } from '../../src/kinds/authentication-method.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { scramConfig } from './config.ts'
import { ScramSha256 } from './scram-sha-256.ts'

/** Lets clients in that prove to know their user's password, without either side telling it to the other. */
export const scramSha256 = defineComponent({
  provides: AuthenticationMethod,
  needs: {},
  config: scramConfig,
  describe: ({ users }) => counted(users.size, 'user'),
  start: ({ users }) => new ScramSha256(users),
  adjust: (instance, { users }) => instance.adjust(users),
})
