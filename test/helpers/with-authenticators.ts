import { z } from 'zod'
import { Authenticator } from '../../src/kinds/authenticator.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { quietSystem } from './start-broker.ts'

/** Entries of a system: authenticators under their names, and the handler that asks them in this order. */
export const withAuthenticators = (...authenticators: readonly Authenticator[]) => ({
  ...Object.fromEntries(authenticators.map((authenticator) => [authenticator.name, entryOf(authenticator)])),
  mqttHandler: {
    ...quietSystem.mqttHandler,
    dependencies: {
      ...quietSystem.mqttHandler.dependencies,
      authenticators: authenticators.map(({ name }) => name),
    },
  },
})

const entryOf = (authenticator: Authenticator) => ({
  component: defineComponent({
    provides: Authenticator,
    needs: {},
    config: z.strictObject({}),
    start: () => authenticator,
  }),
})
