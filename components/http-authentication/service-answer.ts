import { readAccessClaims } from '../../src/access/access-claims.ts'
import type { AuthenticationAnswer } from '../../src/kinds/authenticator.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'

/** The meaning of an answer of the service. */
export type Outcome =
  | {
      readonly kind: 'answer'
      readonly answer: AuthenticationAnswer
      /** The size of the answer. */
      readonly bytes: number
      /** Set if the answer cannot be used, and the client is refused for that. It is about this client alone. */
      readonly problem?: string
    }
  /** The service does not work. */
  | { readonly kind: 'failure'; readonly problem: string }

/** Statuses of a service that works and is busy. */
const BUSY_STATUSES = [408, 429]

const PASS: AuthenticationAnswer = { result: 'pass' }
const DENIED: AuthenticationAnswer = { result: 'deny', why: 'the service denied the client' }
/** It cannot be told whether the client or the broker itself was refused. */
const UNUSABLE: AuthenticationAnswer = {
  result: 'deny',
  why: 'the service gave no answer that can be used',
  reasonCode: ReasonCode.ServerUnavailable,
}

/** Reads an answer: 204, or 200 with JSON. All other answers refuse the client. */
export const readAnswer = (status: number, body: Uint8Array, userName: string | undefined): Outcome => {
  if (status === 204) return { kind: 'answer', answer: { result: 'allow', userName }, bytes: 0 }
  if (status === 200) return readBody(body, userName)
  const problem = `it answered with status ${status}, not 200 or 204`
  if (status >= 400 && status < 500 && !BUSY_STATUSES.includes(status)) {
    return { kind: 'answer', answer: UNUSABLE, bytes: 0, problem }
  }
  return { kind: 'failure', problem }
}

const readBody = (body: Uint8Array, userName: string | undefined): Outcome => {
  let parsed: unknown
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    return { kind: 'failure', problem: 'its answer is not JSON' }
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    return { kind: 'failure', problem: 'its answer is not an object' }
  }
  const fields = parsed as Readonly<Record<string, unknown>>
  const answer = decide(fields, userName)
  const bytes = body.length
  if (typeof answer !== 'string') return { kind: 'answer', answer, bytes }
  return { kind: 'answer', answer: UNUSABLE, bytes, problem: answer }
}

/** @returns what is wrong with the answer, as text. */
const decide = (
  fields: Readonly<Record<string, unknown>>,
  userName: string | undefined,
): AuthenticationAnswer | string => {
  const field = (name: string): unknown => (Object.hasOwn(fields, name) ? fields[name] : undefined)
  const result = field('result')
  if (result === 'deny') return DENIED
  if (result === 'ignore') return PASS
  if (result !== 'allow') return 'the result of its answer is not allow, deny or ignore'
  const attributes = readAccessClaims({
    isSuperuser: field('is_superuser'),
    groups: field('groups'),
    clientAttributes: field('client_attrs'),
    acl: field('acl'),
  })
  if (typeof attributes === 'string') return `its answer cannot be used: ${attributes}`
  const expireAt = field('expire_at') ?? undefined
  if (expireAt === undefined) return { result: 'allow', userName, attributes }
  if (typeof expireAt !== 'number' || !(expireAt >= 0)) return 'expire_at of its answer is no time'
  return { result: 'allow', userName, attributes, expiresAtMs: expireAt * 1_000 }
}
