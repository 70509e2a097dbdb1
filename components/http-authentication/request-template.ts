import type { Credentials } from '../../src/kinds/authenticator.ts'

/** The body of a request, by the names of its fields. */
export type RequestTemplate = Readonly<Record<string, string | number | boolean>>

/** What placeholders stand for, by their names. */
export type RequestValues = Readonly<Record<PlaceholderName, string>>

const PLACEHOLDERS = ['clientid', 'username', 'password', 'peerhost', 'cert_subject', 'cert_common_name'] as const
type PlaceholderName = (typeof PLACEHOLDERS)[number]

const placeholder = /\$\{([^{}]*)\}/g

/** @returns what is wrong with a template, or undefined. */
export const problemOfTemplate = (template: RequestTemplate): string | undefined => {
  for (const value of Object.values(template)) {
    for (const [text, name] of String(value).matchAll(placeholder)) {
      if (!PLACEHOLDERS.some((known) => known === name))
        return `${text} is not known: there are ${PLACEHOLDERS.join(', ')}`
    }
  }
  return undefined
}

/**
 * Takes what a request may say about a client. What the client does not have is an empty text, as with EMQX.
 * @returns undefined when the password is not UTF-8: as text it would be the same as others.
 */
export const requestValues = ({ clientId, userName, password, peer }: Credentials): RequestValues | undefined => {
  const text = password === undefined ? '' : textOf(password)
  if (text === undefined) return undefined
  return {
    clientid: clientId,
    username: userName ?? '',
    password: text,
    peerhost: peer.address,
    cert_subject: peer.tls?.subject ?? '',
    cert_common_name: peer.tls?.commonName ?? '',
  }
}

/** The body of a request, JSON. A value cannot become anything else than a text, whatever characters it has. */
export const renderRequest = (template: RequestTemplate, values: RequestValues): string => {
  const fields = Object.entries(template).map(([name, value]) => [
    name,
    typeof value === 'string' ? value.replaceAll(placeholder, (_, known: PlaceholderName) => values[known]) : value,
  ])
  return JSON.stringify(Object.fromEntries(fields))
}

const textOf = (password: Uint8Array): string | undefined => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(password)
  } catch {
    return undefined
  }
}
