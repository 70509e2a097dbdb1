import { z } from 'zod'
import { identityAttributes } from '../../src/kinds/identity.ts'

export const anonymousConfig = z.strictObject({
  attributes: identityAttributes
    .default({})
    .describe(
      'What authorizers know of these clients: `groups`, `values`, `rules` of their own, `isSuperuser`. Empty: nothing.',
    ),
})
