/** Settings given beside the config file: `--set server.port=1884`, or variables of the environment. */

import { checkConfig } from './check-config.ts'
import { entryKeys } from './check-entry.ts'
import { configInvalid } from './config-invalid.ts'
import type { ConfigProblem } from './config-problem.ts'
import type { AnySystemConfig } from './define-system.ts'
import { partOf } from './only.ts'
import { isPlainObject } from './plain-object.ts'
import { didYouMean, found, listed } from './suggestion.ts'
import { messageOf } from './system-error.ts'

/** Deeper than any config; bounds the recursion that a path causes. */
const deepest = 32

/** The part of a schema that is used here. A config that is not checked yet may have any value in its place. */
interface Schema {
  safeParse(value: unknown): {
    readonly error?: { readonly issues: readonly { readonly path: readonly PropertyKey[] }[] }
  }
}

/**
 * One setting, taken apart: `server.tls.cert=a.pem` has the place `['server', 'config', 'tls', 'cert']`, and
 * `server.enabled=false` has `['server', 'enabled']`.
 */
export interface PlacedSetting {
  /** The name of the entry and the path in it. */
  readonly place: readonly string[]
  /** True for a value that `inspect` must not show. It is read as text if the schema accepts a text. */
  readonly secret: boolean
  /** @returns the value as written. @throws Error when it cannot be read. */
  readonly read: () => string
}

/** A setting whose place depends on the config, such as a variable of the environment. */
export interface LateSetting {
  /** Its name in messages: `MQTT_JIG__SERVER__PORT`. */
  readonly label: string
  /** The origin of such settings in messages: `environment`. */
  readonly origin: string
  /** @returns the setting, or its problem. */
  readonly find: (config: Readonly<Record<string, unknown>>) => PlacedSetting | string
}

/** The text of a `--set`, or another setting. */
export type Setting = string | LateSetting

/**
 * The config with the settings applied, one after the other, and the problems of the settings. A setting with a problem changes
 * nothing. The given config is not changed. It may be invalid and is not checked here.
 *
 * A setting names a component and a place in its `config`: `server.port=1884`, `server.tls.cert=a.pem`, `server.hosts[0]=::1`.
 * The value is read as the component's schema accepts it at that place: as JSON, or else as text. `1884` is a number where the
 * schema expects a number, and a string where it expects a string.
 *
 * If the first step is a key of the entry, it means that key: `packetLog.enabled=true`, `server.stopDeadlineMs=500`,
 * `server.dependencies.logger=quiet`. A value of the config with such a name is reached by `packetLog.config.enabled`.
 */
export const applySettings = (
  config: unknown,
  settings: readonly Setting[],
): { readonly config: unknown; readonly problems: readonly ConfigProblem[] } => {
  const { config: changed, problems } = apply(config, settings)
  return { config: changed, problems }
}

/**
 * The config with the settings applied and everything checked.
 * @param names the components of `--only`: if there are any, the config is the part that runs them.
 * @throws SystemError CONFIG_INVALID with every problem of the file and of the settings.
 */
export const configure = (
  config: unknown,
  settings: readonly Setting[],
  names: readonly string[] = [],
): AnySystemConfig => {
  const checked = checkSettings(config, settings, names)
  if (checked.problems.length > 0) throw configInvalid(checked.problems)
  return checked.config as AnySystemConfig
}

/**
 * The config with the settings applied, and every problem of both. A problem at a place that a setting has set says so.
 */
export const checkSettings = (
  config: unknown,
  settings: readonly Setting[],
  names: readonly string[] = [],
): ReturnType<typeof applySettings> => {
  const applied = apply(config, settings)
  const part = names.length === 0 ? { config: applied.config, problems: [] } : partOf(applied.config, names, '--only')
  const ofFile = checkConfig(part.config).problems.map((problem) => {
    const setting = applied.settings.findLast(({ place }) => related(problem.path, place))
    if (setting === undefined || problem.path.length < 2) return problem
    return { ...problem, message: `${problem.message}${entryKeyMeant(problem)} (set by ${setting.label})` }
  })
  return { config: part.config, problems: [...applied.problems, ...part.problems, ...ofFile] }
}

interface AppliedSetting {
  readonly place: readonly string[]
  readonly secret: boolean
  readonly label: string
}

const apply = (
  config: unknown,
  settings: readonly Setting[],
): {
  readonly config: unknown
  readonly problems: readonly ConfigProblem[]
  readonly settings: readonly AppliedSetting[]
} => {
  const problems: ConfigProblem[] = []
  const applied: AppliedSetting[] = []
  if (!isPlainObject(config)) return { config, problems, settings: applied }
  const changed: Record<string, unknown> = { ...config }
  for (const setting of settings) {
    const report = (message: string): void => {
      const [origin, label] =
        typeof setting === 'string' ? ['--set', written(setting)] : [setting.origin, setting.label]
      problems.push({ path: [origin], message: `${label}: ${message}` })
    }
    const placed = typeof setting === 'string' ? takeApart(setting) : setting.find(changed)
    const problem = typeof placed === 'string' ? placed : problemOf(changed, placed.place)
    if (problem !== undefined || typeof placed === 'string') {
      report(problem ?? '')
      continue
    }
    const [name = '', ...path] = placed.place
    const entry = changed[name] as Record<string, unknown>
    try {
      changed[name] = withValue(entry, path, placed.read(), placed.secret)
      applied.push({ ...placed, label: typeof setting === 'string' ? shown(placed.place) : setting.label })
    } catch (error) {
      report(messageOf(error))
    }
  }
  hideSecrets(
    changed,
    applied.filter(({ secret }) => secret).map(({ place }) => place),
  )
  return { config: changed, problems, settings: applied }
}

const inspected = Symbol.for('nodejs.util.inspect.custom')
const secretShown = { [inspected]: () => '<secret>' }

/** Makes Node's `inspect`, and the REPL, print a replacement for these values. The objects that contain them are our copies. */
const hideSecrets = (config: Record<string, unknown>, places: readonly (readonly string[])[]): void => {
  const hidden = new Map<object, Record<string, unknown>>()
  for (const place of places) {
    let holder: unknown = config
    for (const step of place.slice(0, -1)) holder = (holder as Record<string, unknown>)[step]
    // A later setting may have replaced the value.
    if (typeof holder !== 'object' || holder === null) continue
    hidden.set(holder, { ...hidden.get(holder), [place.at(-1)!]: secretShown })
  }
  for (const [holder, shownValues] of hidden) {
    const show = (_depth: number, options: object, inspect: (value: unknown, options: object) => string): string =>
      inspect(Object.assign(Array.isArray(holder) ? [...holder] : { ...holder }, shownValues), options)
    Object.defineProperty(holder, inspected, { value: show, configurable: true })
  }
}

/** The name of a setting without its value, which may be a secret. */
const written = (setting: string): string => setting.split('=', 1)[0] ?? ''

/** `--set server.port`, in a normalised form. */
const shown = ([name, first, ...rest]: readonly string[]): string =>
  `--set ${[name, ...(first === 'config' && rest.length > 0 && !entryKeys.includes(rest[0]!) ? [] : [first]), ...rest].join('.')}`

const example = 'write it as component.key=value, like server.port=1884'

/** Parses the text of a `--set`. @returns the setting, or its problem. */
const takeApart = (setting: string): PlacedSetting | string => {
  const equals = setting.indexOf('=')
  if (equals === -1) return `there is no '=' in it; ${example}`
  const [name, ...steps] = setting
    .slice(0, equals)
    .replace(/\[(\d+)\]/g, '.$1')
    .split('.')
  if (!name || steps.length === 0 || steps.includes('')) return `it does not name a value of a component; ${example}`
  const place = [name, ...(entryKeys.includes(steps[0]!) ? steps : ['config', ...steps])]
  return { place, secret: false, read: () => setting.slice(equals + 1) }
}

/** Why nothing can be set at this place, or undefined. */
const problemOf = (
  config: Readonly<Record<string, unknown>>,
  [name = '', ...path]: readonly string[],
): string | undefined => {
  if (path.length > deepest + 1) return `it reaches deeper than ${deepest} levels`
  // An own `__proto__` becomes the prototype if the object is copied carelessly.
  if (path.includes('__proto__')) return `'__proto__' cannot be set`
  const entry = Object.hasOwn(config, name) ? config[name] : undefined
  if (!isPlainObject(entry)) {
    const names = Object.keys(config)
    const known = didYouMean(name, names) || `; there are ${listed(names, 'and')}`
    return `there is no component '${name}'${names.length === 0 ? '' : known}`
  }
  if (path[0] === 'component') return 'the component of an entry can be changed in the config file alone'
  return obstacleAt(entry, path)
}

/** Why no value can be put there, or undefined. Objects that do not exist yet are made. */
const obstacleAt = (entry: unknown, path: readonly string[]): string | undefined => {
  let holder = entry
  for (const [depth, step] of path.entries()) {
    const place = depth < 2 ? `its ${path[0]}` : `'${path.slice(1, depth).join('.')}'`
    if (holder === undefined) return undefined
    if (Array.isArray(holder)) {
      const index = /^\d+$/.test(step) ? Number(step) : Number.NaN
      if (!(index <= holder.length)) return `${place} is a list of ${holder.length}; '${step}' is no place in it`
      holder = holder[index]
    } else if (isPlainObject(holder)) {
      holder = Object.hasOwn(holder, step) ? holder[step] : undefined
    } else {
      return `${place} is ${found(holder)}, which holds no '${step}'`
    }
  }
  return undefined
}

/** The entry with the value, read in the way that its schema accepts best. */
const withValue = (
  entry: Readonly<Record<string, unknown>>,
  path: readonly string[],
  text: string,
  secret: boolean,
): unknown => {
  const asText = replaced(entry, path, text)
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return asText // Not JSON, so it can only be a text.
  }
  const asJson = replaced(entry, path, json)
  // A dependency is always a text, even if it is valid JSON.
  if (path[0] === 'dependencies') return typeof json === 'object' && json !== null ? asJson : asText
  const schema = (entry['component'] as { config?: Partial<Schema> } | null | undefined)?.config
  if (path[0] !== 'config' || typeof schema?.safeParse !== 'function') return asJson
  const worse = (a: unknown, b: unknown): number =>
    objections(schema as Schema, configOf(a), path.slice(1)) - objections(schema as Schema, configOf(b), path.slice(1))
  const difference = worse(asText, asJson)
  return difference < 0 || (secret && difference === 0) ? asText : asJson
}

const configOf = (entry: unknown): unknown => (entry as { readonly config?: unknown }).config

/** The key of the entry that was probably meant by a key that its config does not have. */
const entryKeyMeant = ({ path, message }: ConfigProblem): string => {
  const [name, part, key] = path
  if (path.length !== 3 || part !== 'config' || !message.startsWith('there is no ')) return ''
  if (message.includes('did you mean')) return ''
  const settable = entryKeys.filter((each) => each !== 'component' && each !== 'config')
  return didYouMean(String(key), settable).replace(/'(\w+)'/, `'${name}.$1'`)
}

/** The number of issues at the place of the setting, or above it, where a union of objects reports them. */
const objections = (schema: Schema, config: unknown, steps: readonly string[]): number => {
  try {
    const issues = schema.safeParse(config).error?.issues ?? []
    return issues.filter(({ path }) => related(path, steps)).length
  } catch {
    return 0 // A schema that throws is reported when the config is checked; here it counts as accepting both.
  }
}

/** True if one path is a beginning of the other. */
const related = (a: readonly PropertyKey[], b: readonly PropertyKey[]): boolean => {
  const common = Math.min(a.length, b.length)
  return a.slice(0, common).every((step, depth) => String(step) === String(b[depth]))
}

/** A copy of `holder` with another value at the path. Objects shared with `holder` are not changed. */
const replaced = (holder: unknown, [step, ...rest]: readonly string[], value: unknown): unknown => {
  if (step === undefined) return value
  if (Array.isArray(holder) || (holder === undefined && step === '0')) {
    const list = [...((holder as unknown[] | undefined) ?? [])]
    list[Number(step)] = replaced(list[Number(step)], rest, value)
    return list
  }
  const object = (holder ?? {}) as Record<string, unknown>
  return { ...object, [step]: replaced(Object.hasOwn(object, step) ? object[step] : undefined, rest, value) }
}
