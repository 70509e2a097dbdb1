/** Who is let in, and may do what: the authenticators of the listeners, and the authorizers. */

import type { ConfLine } from './conf-line.ts'
import type { Values } from './general-options.ts'
import type { ConfListener, GroupedConf, Options } from './group-conf.ts'
import type { Notes } from './notes.ts'
import { booleanOf, textOf } from './values.ts'

/** An authenticator or authorizer of the system config. */
export interface AccessEntry {
  readonly name: string
  /** `passwordFile` */
  readonly component: string
  readonly config: Values
  /** What an operator has to know. */
  readonly comment: string | undefined
}

/** Who a listener lets in. */
export interface ListenerAccess {
  /** Names of its authenticators; none: nothing is checked. */
  readonly authenticators: readonly string[]
  readonly allowAnonymous: boolean
}

/** The file of users for a mosquitto.conf that names none and lets no client in. */
const NEW_PASSWORD_FILE = 'passwords'

const CLOSED =
  'mosquitto.conf has neither a password_file nor allow_anonymous true for a listener that uses this: no client is let in until you add users: ' +
  `npx mqtt-jig passwd add --file ${NEW_PASSWORD_FILE} NAME`

/** The options of a listener about who is let in. */
export const securityOf = (listener: ConfListener, { security }: GroupedConf): Options =>
  new Map([...security, ...listener.security])

/** Collects the authenticators and authorizers of all listeners. */
export class Access {
  readonly #conf: GroupedConf
  readonly #notes: Notes
  readonly authenticators: AccessEntry[] = []
  readonly authorizers: AccessEntry[] = []

  constructor(conf: GroupedConf, notes: Notes) {
    this.#conf = conf
    this.#notes = notes
    this.#takeAclFiles()
  }

  /** Who this listener lets in. mosquitto lets no client in unless it is told to. */
  of(listener: ConfListener): ListenerAccess {
    const security = securityOf(listener, this.#conf)
    const anonymous = listener.options.get('listener_allow_anonymous') ?? security.get('allow_anonymous')
    const allowAnonymous =
      anonymous === undefined ? this.#conf.isLocalOnly && !listener.hasPlugin : booleanOf(anonymous)
    const certificate = this.#certificateOf(listener)
    // mosquitto does not ask for a password then.
    if (certificate !== undefined) return { authenticators: [certificate], allowAnonymous: false }
    const file = security.get('password_file')
    if (file !== undefined) return { authenticators: [this.#passwordFile(textOf(file))], allowAnonymous }
    if (allowAnonymous) return { authenticators: [], allowAnonymous }
    return { authenticators: [this.closed()], allowAnonymous }
  }

  /** An authenticator that lets no client in until an operator adds users. */
  closed(): string {
    return this.#passwordFile(NEW_PASSWORD_FILE, CLOSED)
  }

  #passwordFile(path: string, comment?: string): string {
    return this.#entry('passwordFile', { path }, comment)
  }

  /** The user name comes from the certificate. */
  #certificateOf({ options }: ConfListener): string | undefined {
    const isOn = (name: string): boolean => {
      const line = options.get(name)
      return line !== undefined && booleanOf(line)
    }
    const userName = isOn('use_subject_as_username')
      ? 'subject'
      : isOn('use_identity_as_username')
        ? 'commonName'
        : undefined
    if (userName === undefined) return undefined
    if (userName === 'subject') {
      const line = options.get('use_subject_as_username')!
      this.#notes.add(line, 'the subject is written otherwise than by mosquitto: compare the names in the ACL file')
    }
    return this.#entry('clientCertificate', { userName, userNameMustMatch: false, password: 'ignore' })
  }

  /** The authenticator with this config: the same for all listeners that have it. */
  #entry(component: string, config: Values, comment?: string): string {
    const same = this.authenticators.filter((entry) => entry.component === component)
    const found = same.find((entry) => JSON.stringify(entry.config) === JSON.stringify(config))
    if (found !== undefined) return found.name
    const name = same.length === 0 ? component : `${component}${same.length + 1}`
    this.authenticators.push({ name, component, config, comment })
    return name
  }

  /** Authorizers hold for all listeners. If listeners differ, the first ACL file holds for all: none gets more rights by that. */
  #takeAclFiles(): void {
    const { listeners } = this.#conf
    const lines = listeners.map((listener) => securityOf(listener, this.#conf).get('acl_file'))
    const files = new Map<string, ConfLine>()
    for (const line of lines) if (line !== undefined && !files.has(textOf(line))) files.set(line.value, line)
    const [first, ...others] = files.values()
    if (first === undefined) return
    this.authorizers.push({ name: 'aclFile', component: 'aclFile', config: { file: first.value }, comment: undefined })
    for (const line of others) {
      this.#notes.add(
        line,
        `rules hold for all listeners, so ${first.value} holds for this one too, and this file is not read`,
      )
    }
    if (lines.includes(undefined)) {
      this.#notes.add(first, 'rules hold for all listeners: this file holds also for those that have no acl_file')
    }
  }
}
