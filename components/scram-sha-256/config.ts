import { z } from 'zod'
import { type Credential, parseCredential } from './credential.ts'
import { prepare } from './prepare.ts'

const credential = z.string().transform((text, context): Credential => {
  const parsed = parseCredential(text)
  if (typeof parsed !== 'string') return parsed
  context.addIssue({ code: 'custom', message: parsed })
  return z.NEVER
})

export const scramConfig = z.strictObject({
  users: z
    .record(z.string(), credential)
    .transform((users, context): ReadonlyMap<string, Credential> => {
      const credentials = new Map<string, Credential>()
      for (const [name, value] of Object.entries(users)) {
        const prepared = prepare(name)
        const problem =
          prepared === undefined
            ? 'the name is empty or holds characters that no name may have'
            : credentials.has(prepared) && 'another name means the same user'
        if (problem) context.addIssue({ code: 'custom', path: [name], message: problem })
        else credentials.set(prepared!, value)
      }
      return credentials
    })
    .describe('A credential, which `npm run scram -- NAME` makes of a password, for each user name.'),
})
