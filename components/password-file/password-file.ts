import { resolve } from 'node:path'
import { Change, setting } from '../../src/collections/change.ts'
import { counted } from '../../src/collections/counted.ts'
import { Listeners } from '../../src/collections/listeners.ts'
import { LogInterval } from '../../src/collections/log-interval.ts'
import { OneAtATime } from '../../src/collections/one-at-a-time.ts'
import { statesOf, WatchedFiles } from '../../src/files/watched-files.ts'
import type {
  AuthenticatedIdentity,
  AuthenticationAnswer,
  Authenticator,
  Credentials,
} from '../../src/kinds/authenticator.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import { ReplaceableLogger } from '../../src/kinds/replaceable-logger.ts'
import type { UserDirectory } from '../../src/kinds/user-directory.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { loadArgon2 } from './argon2.ts'
import type { PasswordFileConfig } from './config.ts'
import { newPasswordFileCounters, type PasswordFileCounters } from './counters.ts'
import { PasswordCheck, type Verdict } from './password-check.ts'
import { deleteUser, readUserFile, setUser, type UserFileContent } from './user-file.ts'
import { type UserChange, Users } from './users.ts'

const PASS: AuthenticationAnswer = { result: 'pass' }
const NO_PASSWORD: AuthenticationAnswer = { result: 'deny', why: 'the client sent no password' }
const WRONG_PASSWORD: AuthenticationAnswer = { result: 'deny', why: 'the password is wrong' }
const BUSY: AuthenticationAnswer = {
  result: 'deny',
  why: 'too many passwords wait to be hashed',
  reasonCode: ReasonCode.ServerBusy,
}
/** How often it is logged at most that clients were refused. */
const BUSY_LOG_INTERVAL_MS = 60_000

const NO_CHANGE: UserChange = { added: 0, changed: 0, removed: 0 }

const nothing = (): void => {}

/** The file, and how it is read. */
interface Source {
  config: PasswordFileConfig
  path: string
  watched: WatchedFiles
}

/** Authenticates clients by the users of a file, which it reads again when it changes, and can change itself. */
export class PasswordFile implements Authenticator, UserDirectory {
  readonly name: string
  readonly counters: PasswordFileCounters = newPasswordFileCounters()
  readonly users: UserDirectory = this
  readonly #source: Source
  readonly #log: ReplaceableLogger
  readonly #users = new Users()
  readonly #check: PasswordCheck
  /** Each handler that uses it has one. */
  readonly #listeners = new Listeners()
  /** The file is read or written by one call at a time. */
  readonly #turns = new OneAtATime()
  readonly #busyLog = new LogInterval(BUSY_LOG_INTERVAL_MS)
  #isPublic = false

  /** Reads the file and watches it. @throws when it cannot be read or has bad lines; there is nothing to stop then. */
  static async open(name: string, config: PasswordFileConfig, log: Logger): Promise<PasswordFile> {
    const opened = new PasswordFile(name, config, log)
    try {
      // First, so that a change while the file is read is noticed.
      await opened.#source.watched.look()
      const found = await opened.#read()
      if (found !== undefined) log.info({ path: opened.#path, users: opened.size }, `Read ${opened.#summary()}`)
      else log.warn({ path: opened.#path }, opened.#missingText())
      return opened
    } catch (error) {
      opened.stop()
      throw error
    }
  }

  private constructor(name: string, config: PasswordFileConfig, log: Logger) {
    this.name = name
    this.#log = new ReplaceableLogger(log)
    this.#check = new PasswordCheck(this.#users, config, this.counters)
    this.#source = this.#sourceOf(config)
  }

  get #path(): string {
    return this.#source.path
  }

  /** The number of users. */
  get size(): number {
    return this.#users.size
  }

  get hashing(): number {
    return this.#check.queue.running
  }

  get queued(): number {
    return this.#check.queue.queued
  }

  get cached(): number {
    return this.#check.successes.size
  }

  authenticate({ userName, password, peer }: Credentials): AuthenticationAnswer | Promise<AuthenticationAnswer> {
    if (userName === undefined) return PASS
    if (password === undefined) return this.#answer(this.#users.get(userName) === undefined ? 'unknown' : 'wrong', true)
    const verdict = this.#check.check(userName, password, peer)
    return verdict instanceof Promise ? verdict.then((found) => this.#answer(found)) : this.#answer(verdict)
  }

  accepts(identity: AuthenticatedIdentity): boolean {
    return this.#users.accepts(identity)
  }

  onRevocation(listener: () => void): () => void {
    return this.#listeners.add(listener)
  }

  /**
   * Prepares another config, or another content of the file. Clients whose user was removed or changed are disconnected afterwards.
   * @throws as `open`. If the file has been removed, its users stay, as with `refresh`.
   */
  async adjust(config: PasswordFileConfig, log: Logger): Promise<Change> {
    const { path, watched: before } = this.#source
    const known = await statesOf([config.path])
    const content = await readUserFile(resolve(config.path), config.maximumFileBytes)
    if (content !== undefined) await this.#loadArgon2(resolve(config.path), content)
    const isRemoved = content === undefined && resolve(config.path) === path
    if (isRemoved) log.error({ path }, `There is no file ${path}; the previous users stay in force`)
    const users = content?.users ?? new Map()
    return new Change(
      [
        () => this.#replaceSource(config, known),
        () => this.#check.adjust(config),
        () => this.#log.replace(log),
        () => (isRemoved ? nothing : this.#replaceUsers(users)),
      ],
      { done: () => this.#adjusted(before, content?.isPublic === true) },
    )
  }

  list(): readonly string[] {
    return this.#users.names()
  }

  set(name: string, password: string): Promise<void> {
    return this.#turns.run(async () => {
      const existed = await setUser(this.#path, name, password)
      await this.#readAgain()
      this.#log.info({ user: name }, `${existed ? 'Changed the password of' : 'Added'} user ${name} in ${this.#path}`)
    })
  }

  delete(name: string): Promise<boolean> {
    return this.#turns.run(async () => {
      const existed = await deleteUser(this.#path, name)
      await this.#readAgain()
      if (existed) this.#log.info({ user: name }, `Deleted user ${name} from ${this.#path}`)
      return existed
    })
  }

  /**
   * Reads the file again.
   * @returns what changed; undefined when nothing did.
   * @throws when it is missing, cannot be read, or has bad lines: the previous users stay in force. That is logged as well.
   */
  refresh(): Promise<string | undefined> {
    return this.#turns.run(async () => {
      const change = await this.#readAgain()
      if (change === undefined) return undefined
      const text = `${this.#summary()}: ${describe(change)}`
      this.#log.info({ path: this.#path, ...change }, `Read ${text}`)
      return text
    })
  }

  /** Ends the watch, and refuses clients whose passwords wait. */
  stop(): void {
    this.#source.watched.stop()
    this.#check.queue.clear()
  }

  /** @returns how the users changed; undefined when they did not. @throws as `refresh`. */
  async #readAgain(): Promise<UserChange | undefined> {
    let change: UserChange | undefined
    try {
      change = await this.#read()
      if (change === undefined && this.size > 0) {
        throw new Error(`there is no file ${this.#path}; write an empty one to remove all users`)
      }
    } catch (err) {
      this.counters.failedReads += 1
      this.#log.error({ path: this.#path, err }, `Failed to read ${this.#path}; the previous users stay in force`)
      throw err
    }
    if (change === undefined || change.added + change.changed + change.removed === 0) return undefined
    if (change.changed + change.removed > 0) this.#listeners.call()
    return change
  }

  /** Takes over the users of the file. @returns undefined when there is no file: then nothing changes. */
  async #read(): Promise<UserChange | undefined> {
    const { watched, path, config } = this.#source
    const content = await readUserFile(path, config.maximumFileBytes)
    if (content === undefined) return undefined
    await this.#loadArgon2(path, content)
    // A reset has given it another file meanwhile.
    if (watched !== this.#source.watched) return NO_CHANGE
    const change = this.#users.replace(content.users)
    this.counters.reads += 1
    this.#noteIsPublic(content.isPublic)
    return change
  }

  #noteIsPublic(isPublic: boolean): void {
    if (isPublic && !this.#isPublic) {
      this.#log.warn({ path: this.#path }, `All users of this machine can read ${this.#path}: chmod o-r ${this.#path}`)
    }
    this.#isPublic = isPublic
  }

  async #loadArgon2(path: string, { argon2Count }: UserFileContent): Promise<void> {
    if (argon2Count === 0 || this.#check.argon2 !== undefined) return
    this.#check.argon2 = await loadArgon2().catch((error: Error) => {
      throw new Error(`${path} cannot be used: ${error.message}`, { cause: error })
    })
  }

  #sourceOf(config: PasswordFileConfig, known?: readonly string[]): Source {
    const path = resolve(config.path)
    // What fails is logged.
    const watched = new WatchedFiles([path], () => void this.refresh().catch(() => {}), known && { known })
    return { config, path, watched }
  }

  #replaceSource(config: PasswordFileConfig, known: readonly string[]): () => void {
    const source = this.#sourceOf(config, known)
    const back = setting(this.#source, source)()
    return () => {
      source.watched.stop()
      back()
    }
  }

  #replaceUsers(users: UserFileContent['users']): () => void {
    const back = this.#users.restorePoint()
    this.#users.replace(users)
    return back
  }

  #adjusted(before: WatchedFiles, isPublic: boolean): Promise<void> {
    before.stop()
    this.#noteIsPublic(isPublic)
    this.#listeners.call()
    // It may have changed since it was read.
    return this.#source.watched.look()
  }

  /** @param isMissing whether the client sent no password. */
  #answer(verdict: Verdict, isMissing = false): AuthenticationAnswer {
    if (typeof verdict !== 'string') {
      this.counters.allowed += 1
      return verdict.allowed
    }
    if (verdict === 'busy') return this.#busy()
    // Another authenticator may know the user.
    if (verdict === 'unknown') {
      this.counters.unknownUsers += 1
      return PASS
    }
    this.counters.wrongPasswords += 1
    return isMissing ? NO_PASSWORD : WRONG_PASSWORD
  }

  #busy(): AuthenticationAnswer {
    this.counters.refusedBusy += 1
    if (this.#busyLog.begin()) {
      this.#log.warn(
        { refused: this.counters.refusedBusy, queued: this.queued },
        `Clients were refused with Server busy (0x89): ${this.queued} passwords wait to be hashed (maximumQueued)`,
      )
    }
    return BUSY
  }

  #summary(): string {
    return `${this.#path}: ${counted(this.size, 'user')}`
  }

  #missingText(): string {
    return `There is no password file ${this.#path}, so there are no users. Add one: mqtt-jig passwd add NAME --file ${this.#path}`
  }
}

const describe = ({ added, changed, removed }: UserChange): string =>
  [
    [added, 'added'],
    [changed, 'changed'],
    [removed, 'removed'],
  ]
    .filter(([count]) => count !== 0)
    .map(([count, what]) => `${count} ${what}`)
    .join(', ')
