/** What the source says that is written from a mosquitto.conf. */

/** The entries of the written config: names of components stay as texts. */
export const entriesOf = (
  source: string,
): Record<string, { config?: Record<string, unknown>; dependencies?: unknown }> => {
  const [, body] = /export default defineSystem\(([\s\S]*)\)/.exec(source)!
  return new Function(`return ${body!.replaceAll(/component: (\w+)/g, "component: '$1'")}`)()
}

/** The remarks about lines, each in one line. */
export const remarksOf = (source: string): string[] => {
  const comments = source.slice(0, source.indexOf('import')).replaceAll(/\n\/\/ {3}/g, ' ')
  return [...comments.matchAll(/^\/\/ (\S+:\d+: .*)$/gm)].map(([, remark]) => remark!)
}
