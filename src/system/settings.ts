/** Settings given beside the config file: `--set server.port=1884`. */

import { checkConfig } from './check-config.ts'
import { configInvalid } from './config-invalid.ts'
import type { ConfigProblem } from './config-problem.ts'
import type { AnySystemConfig } from './define-system.ts'
import { partOf } from './only.ts'
import { isPlainObject } from './plain-object.ts'
import { didYouMean, found, listed } from './suggestion.ts'

/** Deeper than any config; bounds the recursion that a path causes. */
const deepest = 32

/** A schema as far as it is used here; a config that is not checked yet may hold anything in its place. */
interface Schema {
  safeParse(value: unknown): {
    readonly error?: { readonly issues: readonly { readonly path: readonly PropertyKey[] }[] }
  }
}

/** One setting, taken apart: `server.tls.cert=a.pem` is `{ name: 'server', steps: ['tls', 'cert'], text: 'a.pem' }`. */
interface Setting {
  readonly name: string
  readonly steps: readonly string[]
  readonly text: string
}

/**
 * The config with the settings applied, one after the other, and what is wrong with the settings themselves. A setting
 * with a problem changes nothing. The config given is not changed; it need not be valid, and is not checked here.
 *
 * A setting names a component and a place in its `config`: `server.port=1884`, `server.tls.cert=a.pem`,
 * `server.hosts[0]=::1`. The value is what the component's schema takes at that place: the JSON that it spells, or else
 * the text as it stands, so that `1884` is a number where the schema wants one and a string where it wants that.
 */
export const applySettings = (
  config: unknown,
  settings: readonly string[],
): { readonly config: unknown; readonly problems: readonly ConfigProblem[] } => {
  const problems: ConfigProblem[] = []
  if (!isPlainObject(config)) return { config, problems }
  const changed: Record<string, unknown> = { ...config }
  for (const text of settings) {
    const report = (message: string): void => {
      problems.push({ path: ['--set'], message: `${text.split('=', 1)[0]}: ${message}` })
    }
    const setting = takeApart(text, report)
    if (setting === undefined) continue
    const entry = Object.hasOwn(changed, setting.name) ? changed[setting.name] : undefined
    if (!isPlainObject(entry)) {
      const names = Object.keys(changed)
      const known = didYouMean(setting.name, names) || `; there are ${listed(names, 'and')}`
      report(`there is no component '${setting.name}'${names.length === 0 ? '' : known}`)
      continue
    }
    const obstacle = obstacleAt(entry['config'], setting.steps)
    if (obstacle !== undefined) report(obstacle)
    else changed[setting.name] = { ...entry, config: withSetting(entry, setting) }
  }
  return { config: changed, problems }
}

/**
 * The config with the settings applied and everything checked.
 * @param names the components of `--only`: with any, the config is the part that runs them.
 * @throws SystemError CONFIG_INVALID with every problem of the file and of the settings.
 */
export const configure = (
  config: unknown,
  settings: readonly string[],
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
  settings: readonly string[],
  names: readonly string[] = [],
): ReturnType<typeof applySettings> => {
  const applied = applySettings(config, settings)
  const part = names.length === 0 ? { config: applied.config, problems: [] } : partOf(applied.config, names, '--only')
  const places = settings.map((text) => takeApart(text, () => {})).filter((setting) => setting !== undefined)
  const ofFile = checkConfig(part.config).problems.map((problem) => {
    const setting = places.findLast(({ name, steps }) => related(problem.path, [name, 'config', ...steps]))
    if (setting === undefined || problem.path.length < 2) return problem
    return { ...problem, message: `${problem.message} (set by --set ${[setting.name, ...setting.steps].join('.')})` }
  })
  return { config: part.config, problems: [...applied.problems, ...part.problems, ...ofFile] }
}

const takeApart = (setting: string, report: (message: string) => void): Setting | undefined => {
  const equals = setting.indexOf('=')
  const example = 'write it as component.key=value, like server.port=1884'
  if (equals === -1) {
    report(`there is no '=' in it; ${example}`)
    return undefined
  }
  const [name, ...steps] = setting
    .slice(0, equals)
    .replace(/\[(\d+)\]/g, '.$1')
    .split('.')
  if (!name || steps.length === 0 || steps.includes('')) report(`it does not name a value of a component; ${example}`)
  else if (steps.length > deepest) report(`it reaches deeper than ${deepest} levels`)
  // An own `__proto__` passes for a prototype wherever the object is copied carelessly.
  else if (steps.includes('__proto__')) report(`'__proto__' cannot be set`)
  else return { name, steps, text: setting.slice(equals + 1) }
  return undefined
}

/** Why no value can be put there, or undefined. What does not exist yet is no obstacle: it is made on the way. */
const obstacleAt = (config: unknown, steps: readonly string[]): string | undefined => {
  let holder = config
  for (const [depth, step] of steps.entries()) {
    const place = depth === 0 ? 'its config' : `'${steps.slice(0, depth).join('.')}'`
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

/** The entry's config with the value in place, read as its schema likes it best. */
const withSetting = (entry: Record<string, unknown>, { steps, text }: Setting): unknown => {
  const asText = replaced(entry['config'], steps, text)
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return asText // Not JSON, so that the text is all it can be.
  }
  const asJson = replaced(entry['config'], steps, json)
  const component = entry['component'] as { config?: Partial<Schema> } | null | undefined
  const schema = component?.config
  if (typeof schema?.safeParse !== 'function') return asJson
  return objections(schema as Schema, asText, steps) < objections(schema as Schema, asJson, steps) ? asText : asJson
}

/** How many issues the schema has at the place set, or around it, where a union of objects reports them. */
const objections = (schema: Schema, config: unknown, steps: readonly string[]): number => {
  try {
    const issues = schema.safeParse(config).error?.issues ?? []
    return issues.filter(({ path }) => related(path, steps)).length
  } catch {
    return 0 // A schema that throws is reported when the config is checked; here it merely prefers nothing.
  }
}

/** True when one of the paths leads to the other. */
const related = (a: readonly PropertyKey[], b: readonly PropertyKey[]): boolean => {
  const common = Math.min(a.length, b.length)
  return a.slice(0, common).every((step, depth) => String(step) === String(b[depth]))
}

/** A copy of `holder` in which the value at the path is another; nothing that is shared with `holder` changes. */
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
