/** An authentication method of your own: the client sends a token in CONNECT, and the name of the user follows from it. */
import { AuthenticationMethod, type AuthenticationStep, defineComponent, ReasonCode, z } from 'mqtt-jig'

export const tokenMethod = defineComponent({
  provides: AuthenticationMethod,
  needs: {},
  config: z.strictObject({ users: z.record(z.string().min(16), z.string().min(1)).describe('User names by token.') }),
  start: ({ users }) => ({
    name: 'TOKEN',
    begin: () => {
      let isOver = false
      const step = (data: Uint8Array | undefined): AuthenticationStep => {
        const token = isOver || data === undefined ? '' : Buffer.from(data).toString()
        isOver = true
        if (Object.hasOwn(users, token)) return { result: 'success', userName: users[token]! }
        return { result: 'failure', reasonCode: ReasonCode.NotAuthorized, why: 'the token is not known' }
      }
      return { step }
    },
  }),
})
