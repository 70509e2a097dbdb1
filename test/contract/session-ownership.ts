import { describe, expect, it } from 'vitest'
import type { SessionOwnership } from '../../src/kinds/session-ownership.ts'

/**
 * What every SessionOwnership must do where no other process owns a session.
 * @param create makes an ownership that owns nothing.
 */
export const sessionOwnershipContract = (
  name: string,
  create: () => SessionOwnership | Promise<SessionOwnership>,
): void => {
  describe(`${name} as a SessionOwnership`, () => {
    it('grants a session that no other process owns', async () => {
      const ownership = await create()
      expect(await ownership.claim('client')).toBeUndefined()
    })

    it('grants a session again that this process owns: its client connects once more', async () => {
      const ownership = await create()
      for (let n = 0; n < 3; n += 1) expect(await ownership.claim('client')).toBeUndefined()
    })

    it('grants several claims at the same time, of one session and of others', async () => {
      const ownership = await create()
      const claims = ['one', 'one', 'two', 'café/+#', ' '].map((id) => ownership.claim(id))
      expect(await Promise.all(claims)).toEqual(claims.map(() => undefined))
    })
  })
}
