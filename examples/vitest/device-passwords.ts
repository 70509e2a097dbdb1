/** An authenticator of your own: the password of a device follows from its name and a secret key, so that no list is needed. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { Authenticator, defineComponent, z } from 'mqtt-jig'

/** For the tool that writes the password into a new device. */
export const passwordOf = (key: string, device: string): string =>
  createHmac('sha256', key).update(device).digest('hex')

export const devicePasswords = defineComponent({
  provides: Authenticator,
  needs: {},
  config: z.strictObject({ key: z.string().min(32).describe('The secret key of all devices.') }),
  start: ({ key }, _dependencies, { name }): Authenticator => ({
    name,
    authenticate: ({ userName, password }) => {
      // Another authenticator may know this client.
      if (userName === undefined || !userName.startsWith('device-')) return { result: 'pass' }
      const expected = Buffer.from(passwordOf(key, userName))
      const isRight = password?.length === expected.length && timingSafeEqual(password, expected)
      return isRight ? { result: 'allow', userName } : { result: 'deny', why: 'the password is wrong' }
    },
  }),
})
