import { z } from 'zod'
import { AuthenticationMethod, type AuthenticationStep } from '../../src/kinds/authentication-method.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { defineComponent } from '../../src/system/define-system.ts'

/** The name by which clients ask for it. */
export const SCRIPTED = 'SCRIPTED'

/**
 * A method of authentication for tests, whose result the client chooses. `pass NAME` accepts it as that user, `fail` refuses
 * it, `break` is a failure of the method. All other data is echoed, and another step follows. With the prefix `later` the
 * answer comes in another turn of the event loop.
 */
export const scriptedAuthentication = defineComponent({
  provides: AuthenticationMethod,
  needs: {},
  config: z.strictObject({}),
  start: (): AuthenticationMethod => ({
    name: SCRIPTED,
    begin: () => ({
      step: (data) => {
        const [first, ...rest] = Buffer.from(data ?? [])
          .toString()
          .split(' ')
        if (first !== 'later') return answerTo([first!, ...rest])
        return new Promise((resolve) => setImmediate(resolve)).then(() => answerTo(rest))
      },
    }),
  }),
})

const answerTo = ([command = '', name = 'user']: readonly string[]): AuthenticationStep => {
  switch (command) {
    case 'pass':
      return { result: 'success', userName: name, data: Buffer.from('welcome') }
    case 'fail':
      return { result: 'failure', reasonCode: ReasonCode.NotAuthorized, why: 'as the test wants it' }
    case 'break':
      throw new Error('broken, as the test wants it')
    default:
      return { result: 'continue', data: Buffer.from(`and after ${command}?`) }
  }
}
