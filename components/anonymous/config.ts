import { z } from 'zod'
import { identityAttributes } from '../../src/kinds/identity.ts'

export const anonymousConfig = z.strictObject({
  attributes: identityAttributes
    .default({})
    .describe(
      'Attributes of these clients for authorization: `groups`, `values`, `rules`, `isSuperuser`. Empty: nothing.',
    ),
})
